//! The tables, one description for both databases.

diesel::table! {
    users (id) {
        id -> BigInt,
        username -> Text,
        display_name -> Text,
        bio -> Text,
        avatar_url -> Nullable<Text>,
        links -> Text,
        region -> Nullable<Text>,
        language -> Nullable<Text>,
        email -> Nullable<Text>,
        email_verified -> SmallInt,
        password_hash -> Nullable<Text>,
        role -> SmallInt,
        status -> SmallInt,
        verified -> SmallInt,
        private_account -> SmallInt,
        show_relations -> SmallInt,
        show_counts -> SmallInt,
        suggest_to_others -> SmallInt,
        messages_from -> SmallInt,
        comments_from -> SmallInt,
        mentions_from -> SmallInt,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
        last_sign_in_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    user_names (name) {
        name -> Text,
        user_id -> BigInt,
        skeleton -> Text,
        quarantined_until -> Nullable<BigInt>,
    }
}

diesel::table! {
    name_skeletons (skeleton) {
        skeleton -> Text,
        user_id -> BigInt,
    }
}

diesel::table! {
    user_emails (email_key) {
        email_key -> Text,
        user_id -> BigInt,
    }
}

diesel::table! {
    sessions (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        device_name -> Text,
        nonce -> Text,
        generation -> BigInt,
        rotated_at -> BigInt,
        created_at -> BigInt,
        last_used_at -> BigInt,
        expires_at -> BigInt,
        absolute_expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        proved_at -> BigInt,
    }
}

diesel::table! {
    suspensions (user_id) {
        user_id -> BigInt,
        reason -> Text,
        since -> BigInt,
        until -> Nullable<BigInt>,
        moderator_id -> Nullable<BigInt>,
        status_before -> SmallInt,
    }
}

diesel::table! {
    idempotency_keys (slot) {
        slot -> Text,
        body_digest -> Text,
        user_id -> BigInt,
        made -> BigInt,
        expires_at -> BigInt,
        nonce -> Nullable<Text>,
        made_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    two_factors (user_id) {
        user_id -> BigInt,
        sealed_secret -> Text,
        begun_at -> BigInt,
        enabled_at -> Nullable<BigInt>,
        last_step -> BigInt,
        wrong_codes -> BigInt,
        retry_at -> BigInt,
    }
}

diesel::table! {
    deletions (user_id) {
        user_id -> BigInt,
        purge_at -> BigInt,
        stage -> SmallInt,
    }
}

diesel::table! {
    mails (user_id, id) {
        user_id -> BigInt,
        id -> BigInt,
        kind -> SmallInt,
        recipient -> Text,
        token_id -> Nullable<BigInt>,
        tries -> BigInt,
        due_at -> BigInt,
        expires_at -> BigInt,
        failed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    recovery_codes (user_id, digest) {
        user_id -> BigInt,
        digest -> Text,
    }
}

diesel::table! {
    mail_tokens (user_id, purpose) {
        user_id -> BigInt,
        purpose -> SmallInt,
        id -> BigInt,
        nonce -> Text,
        address -> Text,
        expires_at -> BigInt,
        session_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    password_reset_requests (email_key) {
        email_key -> Text,
        asked_at -> BigInt,
    }
}

diesel::table! {
    known_networks (user_id, network) {
        user_id -> BigInt,
        network -> Text,
        seen_at -> BigInt,
    }
}
