//! How tables can be wrong, and which check sees it.

/// Statements that break something, the checks that this must show, and statements that undo it where no repair can.
/// `{anna}` and the like stand for ids.
pub type Breakage = (&'static [&'static str], &'static [&'static str], &'static [&'static str]);

pub const BREAKAGES: &[Breakage] = &[
    (
        &["UPDATE edges_in SET neg_since = neg_since - 1 WHERE source = {anna} AND target = {ben}"],
        &["edges_both_ways"],
        &[],
    ),
    (
        &["DELETE FROM edges_in WHERE source = {anna} AND target = {ben}"],
        &["edges_both_ways", "counters"],
        &[],
    ),
    (
        &["INSERT INTO edges_in (target, state, neg_since, source) VALUES ({anna}, 1, -5, {carl})"],
        &["edges_both_ways", "counters"],
        &[],
    ),
    // Counters that agree with what is wrong.
    (
        &[
            "DELETE FROM edges_in WHERE source = {anna} AND target = {ben}",
            "UPDATE counters SET followers = followers - 1 WHERE user_id = {ben}",
        ],
        &["edges_both_ways"],
        &[],
    ),
    (
        &["UPDATE edges_out SET back_since = back_since + 1 WHERE source = {anna} AND target = {ben}"],
        &["back_since"],
        &[],
    ),
    (
        &["UPDATE edges_out SET back_since = 0 WHERE source = {anna} AND target = {ben}"],
        &["back_since", "counters"],
        &[],
    ),
    (
        &["UPDATE edges_out SET back_since = 7 WHERE source = {anna} AND target = {blocked}"],
        &["back_since"],
        &[],
    ),
    (&["UPDATE counters SET followers = followers + 1 WHERE user_id = {anna}"], &["counters"], &[]),
    (&["UPDATE counters SET friends = friends + 1 WHERE user_id = {ben}"], &["counters"], &[]),
    (
        &["UPDATE counters SET requests_sent = 0, following = 9, blocks = 3 WHERE user_id = {asker}"],
        &["counters"],
        &[],
    ),
    (&["DELETE FROM counters WHERE user_id = {carl}"], &["counters"], &[]),
    // Hidden without a word, and back again.
    (&["UPDATE user_facts SET status = 1 WHERE user_id = {ben}"], &["hidden_people"], &[]),
    (&["UPDATE user_facts SET status = 0 WHERE user_id = {ben}"], &["hidden_people"], &[]),
    (
        &["INSERT INTO shadows (user_id, in_state, in_neg_since, in_source, out_target) VALUES ({carl}, 0, 0, 0, 5)"],
        &["hidden_people"],
        &[],
    ),
    (
        &["INSERT INTO shadows (user_id, in_state, in_neg_since, in_source, out_target)
           VALUES ({ben}, 3, 0, 0, 9223372036854775807)"],
        &["hidden_people", "counters"],
        &[],
    ),
    (
        &["INSERT INTO close_friends (user_id, target, since) VALUES ({carl}, {anna}, 5)"],
        &["close_friends"],
        &[],
    ),
    (
        // The other way around, with everything that belongs to it.
        &[
            "INSERT INTO edges_out (source, target, state, notify, since, back_since)
             VALUES ({blocked}, {anna}, 1, 0, 5, 0)",
            "INSERT INTO edges_in (target, state, neg_since, source) VALUES ({anna}, 1, -5, {blocked})",
            "UPDATE edges_out SET back_since = 5 WHERE source = {anna} AND target = {blocked}",
            "UPDATE counters SET followers = followers + 1 WHERE user_id = {anna}",
            "UPDATE counters SET following = following + 1 WHERE user_id = {blocked}",
            "INSERT INTO events (partition, seq, type, at, actor_id, subject_id, data)
             SELECT 0, seq + 1, 'follow.created', at, {blocked}, {anna}, '{}' FROM log_head",
            "UPDATE log_head SET seq = seq + 1",
        ],
        &["blocks_exclude"],
        &[
            "DELETE FROM edges_out WHERE source = {blocked} AND target = {anna}",
            "DELETE FROM edges_in WHERE source = {blocked} AND target = {anna}",
            "UPDATE edges_out SET back_since = 0 WHERE source = {anna} AND target = {blocked}",
            "UPDATE counters SET followers = followers - 1 WHERE user_id = {anna}",
            "UPDATE counters SET following = following - 1 WHERE user_id = {blocked}",
            "DELETE FROM events WHERE seq = (SELECT seq FROM log_head)",
            "UPDATE log_head SET seq = seq - 1",
        ],
    ),
    (
        &["INSERT INTO notes (user_id, target, note) VALUES ({carl}, {carl}, 'me')"],
        &["nobody_to_self"],
        &["DELETE FROM notes WHERE user_id = {carl} AND target = {carl}"],
    ),
    (
        &["INSERT INTO mutes (user_id, target, since, expires_at, notifications) VALUES ({carl}, {carl}, 5, 9, 1)"],
        &["nobody_to_self"],
        &["DELETE FROM mutes WHERE user_id = {carl} AND target = {carl}"],
    ),
    (
        &["INSERT INTO edges_out (source, target, state, notify, since, back_since) VALUES ({carl}, {carl}, 3, 0, 5, 0)"],
        &["nobody_to_self", "edges_both_ways", "counters", "blocks_in_log"],
        &["DELETE FROM edges_out WHERE source = {carl} AND target = {carl}"],
    ),
    (
        &["UPDATE edges_out SET notify = 1 WHERE source = {anna} AND target = {blocked}"],
        &["forms"],
        &["UPDATE edges_out SET notify = 0 WHERE source = {anna} AND target = {blocked}"],
    ),
    (
        &["UPDATE mutes SET expires_at = since WHERE user_id = {carl}"],
        &["forms"],
        &["UPDATE mutes SET expires_at = since + 1 WHERE user_id = {carl}"],
    ),
    (
        &["INSERT INTO sweeps (user_id, kind) VALUES ({carl}, 9)"],
        &["forms"],
        &["DELETE FROM sweeps WHERE kind = 9"],
    ),
    (
        &["UPDATE log_head SET at = 1"],
        &["times"],
        &["UPDATE log_head SET at = (SELECT MAX(at) + 1000 FROM events)"],
    ),
    (
        &["UPDATE user_facts SET user_id = 7 WHERE user_id = {anna}"],
        &["known_people"],
        &["UPDATE user_facts SET user_id = {anna} WHERE user_id = 7"],
    ),
    (
        &["UPDATE user_facts SET user_id = 7 WHERE user_id = {blocked}"],
        &["known_people"],
        &["UPDATE user_facts SET user_id = {blocked} WHERE user_id = 7"],
    ),
    // Each table by itself.
    (
        &["INSERT INTO mutes (user_id, target, since, expires_at, notifications) VALUES ({carl}, 7, 5, 9, 1)"],
        &["known_people"],
        &["DELETE FROM mutes WHERE target = 7"],
    ),
    (
        &["INSERT INTO mutes (user_id, target, since, expires_at, notifications) VALUES (7, {carl}, 5, 9, 1)"],
        &["known_people"],
        &["DELETE FROM mutes WHERE user_id = 7"],
    ),
    (
        &["INSERT INTO notes (user_id, target, note) VALUES ({carl}, 7, 'x')"],
        &["known_people"],
        &["DELETE FROM notes WHERE target = 7"],
    ),
    (
        &["INSERT INTO import_rows (user_id, import_id, number, account, username, choice, target, code)
           VALUES ({carl}, 1, 1, 'x', 'x', 0, 7, '')"],
        &["known_people"],
        &["DELETE FROM import_rows WHERE target = 7"],
    ),
    (
        &["INSERT INTO notes (user_id, target, note) VALUES (7, {carl}, 'x')"],
        &["known_people"],
        &["DELETE FROM notes WHERE user_id = 7"],
    ),
    (
        &["INSERT INTO counters (user_id, followers, following, friends, requests_received, requests_sent, blocks)
           VALUES (7, 0, 0, 0, 0, 0, 0)"],
        &["known_people"],
        &["DELETE FROM counters WHERE user_id = 7"],
    ),
    (
        &["INSERT INTO follow_starts (user_id, at) VALUES (7, 5)"],
        &["known_people"],
        &["DELETE FROM follow_starts WHERE user_id = 7"],
    ),
    (
        &["INSERT INTO private_spans (user_id, since) VALUES (7, 5)"],
        &["known_people"],
        &["DELETE FROM private_spans WHERE user_id = 7"],
    ),
    (
        &["INSERT INTO sweeps (user_id, kind) VALUES (7, 1)"],
        &["known_people"],
        &["DELETE FROM sweeps WHERE user_id = 7"],
    ),
    (
        &["UPDATE events SET actor_id = 7 WHERE type = 'mute.created'"],
        &["nothing_said_by_the_gone"],
        &["UPDATE events SET actor_id = {carl} WHERE type = 'mute.created'"],
    ),
    (
        &["INSERT INTO parked_events (feed, seq, reason) VALUES ('user', 5, 'unreadable')"],
        &["readable_news"],
        &["DELETE FROM parked_events WHERE seq = 5"],
    ),
    (&["UPDATE log_head SET seq = seq + 1"], &["log"], &["UPDATE log_head SET seq = seq - 1"]),
    (
        &["UPDATE events SET at = at + 100000000 WHERE seq = 2"],
        &["log"],
        &["UPDATE events SET at = at - 100000000 WHERE seq = 2"],
    ),
    (
        &["UPDATE events SET type = 'follow.removed' WHERE actor_id = {anna} AND type = 'follow.created'"],
        &["follows_in_log"],
        &["UPDATE events SET type = 'follow.created' WHERE actor_id = {anna} AND type = 'follow.removed'"],
    ),
    (
        &["UPDATE events SET type = 'request.removed' WHERE actor_id = {asker} AND type = 'request.created'"],
        &["requests_in_log"],
        &["UPDATE events SET type = 'request.created' WHERE actor_id = {asker} AND type = 'request.removed'"],
    ),
    (
        &["UPDATE events SET subject_id = {carl} WHERE type = 'block.created'"],
        &["blocks_in_log"],
        &["UPDATE events SET subject_id = {blocked} WHERE type = 'block.created'"],
    ),
    (
        &["INSERT INTO private_spans (user_id, since) VALUES ({ben}, 1)"],
        &["approved_follows"],
        &["DELETE FROM private_spans WHERE user_id = {ben}"],
    ),
    // The last: its repair accepts a request.
    (&["UPDATE user_facts SET private_account = 0 WHERE user_id = {private}"], &["open_requests"], &[]),
];
