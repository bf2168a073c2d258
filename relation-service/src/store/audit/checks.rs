//! What must hold, and the statements that find what breaks it.

use super::recount::{counted_in, counted_out};

/// Something that must hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name on the wire.
    pub name: &'static str,
    /// What must hold, in words.
    pub rule: &'static str,
    /// The numbers of the rules of relations that it stands for.
    pub rules: &'static [u8],
    /// What can be done about what breaks it.
    pub cure: Cure,
    pub(super) look: Look,
}

/// What can be done about what breaks a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// It is derived from something else, and made anew from that.
    Mend(Mend),
    /// What is missing comes by itself, within a moment; if not, a person has to look.
    Await,
    /// Nothing in the tables says what would be right: a person has to look.
    Person,
}

/// What is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// `edges_in`, from `edges_out`.
    ByTarget,
    /// `back_since`, from the edge in the other direction.
    BackSince,
    /// Counters, from the edges and the shadows.
    Counters,
    /// Shadows: a sweep begins that ends where the facts say.
    Shadows,
    /// Close friends who do not follow lose the mark.
    CloseFriends,
    /// Requests to public accounts: a sweep begins that accepts them.
    Requests,
}

/// Where a check looks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// At some people at a time: of each pair of `?`, the first is the id after which they begin and the second the id
    /// of the last of them. `#` and a name is the most that one may keep. Each statement selects a person and another, or
    /// a person twice.
    People(&'static [&'static str]),
    /// At a table that stays small.
    Whole(&'static str),
    /// At the log, page by page.
    Log,
    /// At the log again: what it comes to must be what is stored in this state.
    Replay(Replayed),
    /// At the follows that the log tells of: into a private account only by acceptance.
    Approvals,
}

/// What the log tells the beginnings and ends of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replayed {
    Follows,
    Requests,
    Blocks,
}

/// Neither known, nor being purged: `$person` is a column.
macro_rules! gone {
    ($person:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM user_facts WHERE user_facts.user_id = ",
            $person,
            ") AND NOT EXISTS (SELECT 1 FROM sweeps WHERE sweeps.user_id = ",
            $person,
            " AND sweeps.kind = 4)"
        )
    };
}

/// `$table`'s rows of people who are gone: `$person` is the column by which they are told apart, `$other` what is shown
/// beside it.
macro_rules! of_the_gone {
    ($table:literal, $person:literal, $other:literal) => {
        concat!(
            "SELECT ",
            $person,
            ", ",
            $other,
            " FROM ",
            $table,
            " WHERE ",
            $person,
            " > ? AND ",
            $person,
            " <= ? AND ",
            gone!($person)
        )
    };
}

/// `$table`'s rows with something later than the log.
macro_rules! too_new {
    ($table:literal, $person:literal, $other:literal, $at:literal) => {
        concat!(
            "SELECT ",
            $person,
            ", ",
            $other,
            " FROM ",
            $table,
            " WHERE ",
            $person,
            " > ? AND ",
            $person,
            " <= ? AND ",
            $at,
            " > (SELECT at FROM log_head WHERE partition = 0)"
        )
    };
}

/// People with more rows in `$table` than `$most`.
macro_rules! too_many {
    ($table:literal, $person:literal, $which:literal, $most:literal) => {
        concat!(
            "SELECT ",
            $person,
            ", ",
            $person,
            " FROM ",
            $table,
            " WHERE ",
            $person,
            " > ? AND ",
            $person,
            " <= ?",
            $which,
            " GROUP BY ",
            $person,
            " HAVING COUNT(*) > ",
            $most
        )
    };
}

/// Every check. Exact at every moment, also while a sweep is under way: the shadows say which edges count.
pub const CHECKS: &[Check] = &[
    Check {
        name: "edges_both_ways",
        rule: "each edge is stored by source and by target",
        rules: &[1, 7, 14, 18, 25, 29, 41, 42, 46],
        cure: Cure::Mend(Mend::ByTarget),
        look: Look::People(&[MISSING_BY_TARGET, EXTRA_BY_TARGET]),
    },
    Check {
        name: "back_since",
        rule: "each edge knows the follow in the other direction",
        rules: &[27, 28],
        cure: Cure::Mend(Mend::BackSince),
        look: Look::People(&[
            "SELECT source, target FROM edges_out WHERE source > ? AND source <= ? AND back_since <> COALESCE((
                SELECT back.since FROM edges_out back
                WHERE back.source = edges_out.target AND back.target = edges_out.source AND back.state = 1), 0)",
        ]),
    },
    Check {
        name: "counters",
        rule: "counters equal recounted edges",
        rules: &[1, 7, 12, 14, 29, 36, 37, 42, 43, 45, 46],
        cure: Cure::Mend(Mend::Counters),
        look: Look::People(&[
            concat!(
                "SELECT user_id, user_id FROM (
                    SELECT user_id, followers, requests_received FROM counters WHERE user_id > ? AND user_id <= ?
                    UNION ALL ",
                counted_in!("-"),
                ") AS sides GROUP BY user_id HAVING SUM(followers) <> 0 OR SUM(requests_received) <> 0"
            ),
            concat!(
                "SELECT user_id, user_id FROM (
                    SELECT user_id, following, friends, requests_sent, blocks FROM counters
                    WHERE user_id > ? AND user_id <= ?
                    UNION ALL ",
                counted_out!("-"),
                ") AS sides GROUP BY user_id
                 HAVING SUM(following) <> 0 OR SUM(friends) <> 0 OR SUM(requests_sent) <> 0 OR SUM(blocks) <> 0"
            ),
        ]),
    },
    Check {
        name: "hidden_people",
        // Together with the check before: once no sweep is open, exactly the edges of hidden people do not count.
        rule: "who is hidden is left out of counters, and nobody else",
        rules: &[45],
        cure: Cure::Mend(Mend::Shadows),
        look: Look::People(&[
            "SELECT user_id, user_id FROM user_facts WHERE user_id > ? AND user_id <= ? AND status <> 0
                AND NOT EXISTS (SELECT 1 FROM sweeps WHERE sweeps.user_id = user_facts.user_id AND kind IN (3, 4))
                AND NOT EXISTS (SELECT 1 FROM shadows WHERE shadows.user_id = user_facts.user_id
                    AND in_state = 3 AND out_target = 9223372036854775807)",
            "SELECT user_id, user_id FROM shadows WHERE user_id > ? AND user_id <= ?
                AND NOT EXISTS (SELECT 1 FROM sweeps WHERE sweeps.user_id = shadows.user_id AND kind IN (3, 4))
                AND NOT EXISTS (SELECT 1 FROM user_facts WHERE user_facts.user_id = shadows.user_id AND status <> 0)",
        ]),
    },
    Check {
        name: "close_friends",
        rule: "a close friend is a follower",
        rules: &[7, 25, 29],
        cure: Cure::Mend(Mend::CloseFriends),
        look: Look::People(&[
            "SELECT user_id, target FROM close_friends WHERE user_id > ? AND user_id <= ? AND NOT EXISTS (
                SELECT 1 FROM edges_out
                WHERE edges_out.source = close_friends.target AND edges_out.target = close_friends.user_id
                    AND state = 1)",
        ]),
    },
    Check {
        name: "open_requests",
        rule: "a request to a public account is being accepted",
        rules: &[12, 19],
        cure: Cure::Mend(Mend::Requests),
        look: Look::People(&[
            "SELECT target, source FROM edges_in WHERE target > ? AND target <= ? AND state = 2
                AND EXISTS (SELECT 1 FROM user_facts WHERE user_id = target AND status = 0 AND private_account = 0)
                AND NOT EXISTS (SELECT 1 FROM user_facts WHERE user_id = source AND status <> 0)
                AND NOT EXISTS (SELECT 1 FROM sweeps WHERE user_id = target AND kind = 1)
                AND NOT EXISTS (SELECT 1 FROM sweeps WHERE user_id = source AND kind = 2)",
        ]),
    },
    Check {
        name: "blocks_exclude",
        rule: "a block excludes follows and requests in both directions",
        rules: &[11, 22, 29],
        cure: Cure::Person,
        look: Look::People(&[
            "SELECT source, target FROM edges_out WHERE source > ? AND source <= ? AND state = 3 AND EXISTS (
                SELECT 1 FROM edges_out back
                WHERE back.source = edges_out.target AND back.target = edges_out.source AND back.state IN (1, 2))",
        ]),
    },
    Check {
        name: "nobody_to_self",
        rule: "nobody has an edge, a mute, a mark, a note or a dismissal to themselves",
        rules: &[3],
        cure: Cure::Person,
        look: Look::People(&[
            "SELECT source, target FROM edges_out WHERE source > ? AND source <= ? AND source = target",
            "SELECT user_id, target FROM mutes WHERE user_id > ? AND user_id <= ? AND user_id = target",
            "SELECT user_id, target FROM close_friends WHERE user_id > ? AND user_id <= ? AND user_id = target",
            "SELECT user_id, target FROM notes WHERE user_id > ? AND user_id <= ? AND user_id = target",
            "SELECT user_id, target FROM dismissals WHERE user_id > ? AND user_id <= ? AND user_id = target",
        ]),
    },
    Check {
        name: "forms",
        rule: "each row is one that an act can write",
        rules: &[1, 38, 39],
        cure: Cure::Person,
        look: Look::People(&[
            "SELECT source, target FROM edges_out WHERE source > ? AND source <= ?
                AND (state NOT IN (1, 2, 3) OR notify NOT IN (0, 1) OR (state = 3 AND notify <> 0) OR since <= 0)",
            "SELECT user_id, target FROM mutes WHERE user_id > ? AND user_id <= ?
                AND (notifications NOT IN (0, 1) OR expires_at <= since OR since <= 0)",
            "SELECT user_id, target FROM notes WHERE user_id > ? AND user_id <= ? AND note = ''",
            "SELECT user_id, user_id FROM sweeps WHERE user_id > ? AND user_id <= ? AND kind NOT IN (1, 2, 3, 4, 5)",
        ]),
    },
    Check {
        name: "times",
        rule: "nothing is newer than the log",
        rules: &[18, 41],
        cure: Cure::Person,
        look: Look::People(&[
            too_new!("edges_out", "source", "target", "since"),
            too_new!("mutes", "user_id", "target", "since"),
            too_new!("close_friends", "user_id", "target", "since"),
            too_new!("dismissals", "user_id", "target", "since"),
            too_new!("follow_starts", "user_id", "user_id", "at"),
        ]),
    },
    Check {
        name: "limits",
        // Follows may be more: who is accepted may go beyond the limit, and imports have none.
        rule: "nobody keeps more than the limits allow",
        rules: &[9],
        cure: Cure::Person,
        look: Look::People(&[
            too_many!("edges_out", "source", " AND state = 3", "#blocks"),
            too_many!("mutes", "user_id", "", "#mutes"),
            too_many!("close_friends", "user_id", "", "#close_friends"),
            too_many!("notes", "user_id", "", "#notes"),
        ]),
    },
    Check {
        name: "known_people",
        rule: "everybody in a table is known, or being purged",
        rules: &[4, 46],
        cure: Cure::Await,
        look: Look::People(&[
            of_the_gone!("edges_out", "source", "target"),
            of_the_gone!("edges_in", "target", "source"),
            of_the_gone!("mutes", "mutes.user_id", "target"),
            of_the_gone!("mutes", "target", "mutes.user_id"),
            of_the_gone!("close_friends", "close_friends.user_id", "target"),
            of_the_gone!("notes", "notes.user_id", "target"),
            of_the_gone!("notes", "target", "notes.user_id"),
            of_the_gone!("dismissals", "dismissals.user_id", "target"),
            of_the_gone!("dismissals", "target", "dismissals.user_id"),
            of_the_gone!("imports", "imports.user_id", "imports.user_id"),
            of_the_gone!("import_rows", "import_rows.user_id", "import_rows.user_id"),
            concat!(
                "SELECT target, import_rows.user_id FROM import_rows
                 WHERE target <> 0 AND target > ? AND target <= ? AND ",
                gone!("target")
            ),
            of_the_gone!("counters", "counters.user_id", "counters.user_id"),
            of_the_gone!("shadows", "shadows.user_id", "shadows.user_id"),
            of_the_gone!("follow_starts", "follow_starts.user_id", "follow_starts.user_id"),
            of_the_gone!("private_spans", "private_spans.user_id", "private_spans.user_id"),
            "SELECT user_id, user_id FROM sweeps WHERE user_id > ? AND user_id <= ? AND kind IN (1, 2, 3)
                AND NOT EXISTS (SELECT 1 FROM user_facts WHERE user_facts.user_id = sweeps.user_id)",
        ]),
    },
    Check {
        name: "nothing_said_by_the_gone",
        rule: "of who is gone, the log says no more than who and whom",
        rules: &[46],
        cure: Cure::Await,
        look: Look::People(&[concat!(
            "SELECT actor_id, actor_id FROM events WHERE data <> '{}' AND actor_id > ? AND actor_id <= ? AND ",
            gone!("actor_id")
        )]),
    },
    Check {
        name: "readable_news",
        rule: "every event of user-service could be read",
        rules: &[19, 45, 46, 54],
        cure: Cure::Person,
        look: Look::Whole("SELECT seq, seq FROM parked_events"),
    },
    Check {
        name: "log",
        rule: "the log is contiguous up to its head, in the order of time",
        rules: &[19, 41],
        cure: Cure::Person,
        look: Look::Log,
    },
    Check {
        name: "follows_in_log",
        rule: "follows in the tables are those of the log",
        rules: &[1, 2, 7, 10, 14, 16, 28],
        cure: Cure::Person,
        look: Look::Replay(Replayed::Follows),
    },
    Check {
        name: "requests_in_log",
        rule: "requests in the tables are those of the log",
        rules: &[8, 12, 13, 17, 22, 23, 24],
        cure: Cure::Person,
        look: Look::Replay(Replayed::Requests),
    },
    Check {
        name: "blocks_in_log",
        rule: "blocks in the tables are those of the log",
        rules: &[29, 30, 31, 32],
        cure: Cure::Person,
        look: Look::Replay(Replayed::Blocks),
    },
    Check {
        name: "approved_follows",
        rule: "who follows an account since it is private was accepted",
        rules: &[12, 20, 21, 51],
        cure: Cure::Person,
        look: Look::Approvals,
    },
];

/// Edges that are missing in `edges_in`.
pub(super) const MISSING_BY_TARGET: &str =
    "SELECT source, target FROM edges_out WHERE source > ? AND source <= ? AND NOT EXISTS (
        SELECT 1 FROM edges_in WHERE edges_in.target = edges_out.target AND edges_in.state = edges_out.state
            AND edges_in.neg_since = -edges_out.since AND edges_in.source = edges_out.source)";
/// Rows of `edges_in` without an edge.
pub(super) const EXTRA_BY_TARGET: &str =
    "SELECT source, target FROM edges_in WHERE target > ? AND target <= ? AND NOT EXISTS (
        SELECT 1 FROM edges_out WHERE edges_out.source = edges_in.source AND edges_out.target = edges_in.target
            AND edges_out.state = edges_in.state AND edges_out.since = -edges_in.neg_since)";
