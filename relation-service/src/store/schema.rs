//! The tables, one description for both databases.

diesel::table! {
    user_facts (user_id) {
        user_id -> BigInt,
        seq -> BigInt,
        username -> Text,
        display_name -> Text,
        avatar_url -> Nullable<Text>,
        verified -> SmallInt,
        status -> SmallInt,
        private_account -> SmallInt,
        show_relations -> SmallInt,
        show_counts -> SmallInt,
        suggest_to_others -> SmallInt,
        messages_from -> SmallInt,
        comments_from -> SmallInt,
        mentions_from -> SmallInt,
    }
}

diesel::table! {
    feed_position (feed) {
        feed -> Text,
        seq -> BigInt,
    }
}

diesel::table! {
    parked_events (feed, seq) {
        feed -> Text,
        seq -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    sweeps (user_id, kind) {
        user_id -> BigInt,
        kind -> SmallInt,
        since -> BigInt,
        other -> BigInt,
    }
}

diesel::table! {
    shadows (user_id) {
        user_id -> BigInt,
        in_state -> SmallInt,
        in_neg_since -> BigInt,
        in_source -> BigInt,
        out_target -> BigInt,
    }
}

diesel::table! {
    revoked_sessions (session_id) {
        session_id -> BigInt,
        revoked_at -> BigInt,
    }
}

diesel::table! {
    trusted_keys (issuer) {
        issuer -> Text,
        key_set -> Text,
    }
}
