//! The tables that both services have, each in its own database.

diesel::table! {
    log_head (partition) {
        partition -> SmallInt,
        seq -> BigInt,
        at -> BigInt,
    }
}

diesel::table! {
    events (partition, seq) {
        partition -> SmallInt,
        seq -> BigInt,
        #[sql_name = "type"]
        kind -> Text,
        at -> BigInt,
        actor_id -> Nullable<BigInt>,
        subject_id -> Nullable<BigInt>,
        cause -> Nullable<Text>,
        data -> Text,
    }
}

diesel::table! {
    feed_readers (name) {
        name -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    service_tokens (name) {
        name -> Text,
        secret_hash -> Text,
        scopes -> Text,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}
