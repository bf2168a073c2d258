//! What a viewer may see of another person: content, lists and counts.

use shared::facts::{Access, AccountStatus, ListAudience};

use super::pair::Pair;

/// Why a list or a count is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// R4, R33: as if the person were not there.
    NotFound,
    /// R44, R51: the account is private, and the viewer is no accepted follower.
    Private,
    /// R44: the person shows their lists to these alone.
    ListsFor(ListAudience),
}

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onlooker {
    /// The person themselves.
    Owner,
    /// Somebody else, with what is between them: the viewer is the pair's source.
    Other(Pair),
}

/// Whether the person is there at all for the viewer.
pub fn may_see_person(owner: Access, viewer: Onlooker) -> Result<(), Hidden> {
    let blocked = matches!(viewer, Onlooker::Other(pair) if pair.backward.is_block());
    if owner.status == AccountStatus::Active && !blocked { Ok(()) } else { Err(Hidden::NotFound) }
}

/// Whether the viewer may see what the person shows beyond the profile (R51).
pub fn may_see_content(owner: Access, viewer: Onlooker) -> Result<(), Hidden> {
    may_see_person(owner, viewer)?;
    let Onlooker::Other(pair) = viewer else { return Ok(()) };
    if pair.forward.is_follow() || !owner.private_account { Ok(()) } else { Err(Hidden::Private) }
}

/// Whether the viewer may read the person's lists of followers, following and friends (R33, R44).
pub fn may_see_lists(owner: Access, viewer: Onlooker) -> Result<(), Hidden> {
    may_see_content(owner, viewer)?;
    let Onlooker::Other(pair) = viewer else { return Ok(()) };
    let shown = match owner.show_relations {
        ListAudience::Everyone => true,
        ListAudience::Followers => pair.forward.is_follow(),
        ListAudience::OnlyMe => false,
    };
    if shown { Ok(()) } else { Err(Hidden::ListsFor(owner.show_relations)) }
}

/// Whether the viewer may read the person's counts: `Ok(false)` shows them as null (R44).
pub fn may_see_counts(owner: Access, viewer: Onlooker) -> Result<bool, Hidden> {
    may_see_person(owner, viewer)?;
    Ok(owner.show_counts || viewer == Onlooker::Owner)
}

#[cfg(test)]
mod tests {
    use shared::clock::Micros;
    use shared::facts::Audience;

    use super::*;
    use crate::domain::Edge;

    fn owner(private_account: bool, show_relations: ListAudience, show_counts: bool) -> Access {
        Access {
            status: AccountStatus::Active,
            private_account,
            show_relations,
            show_counts,
            messages_from: Audience::Everyone,
            comments_from: Audience::Everyone,
            mentions_from: Audience::Everyone,
        }
    }

    const FOLLOW: Edge = Edge::Follow { since: Micros::new(1), notify: false };
    const BLOCK: Edge = Edge::Block { since: Micros::new(1) };

    fn seen_by(forward: Edge, backward: Edge) -> Onlooker {
        Onlooker::Other(Pair { forward, backward, ..Pair::default() })
    }

    #[test]
    fn r33_the_blocked_side_finds_nobody_there() {
        let person = owner(false, ListAudience::Everyone, true);
        let blocked = seen_by(Edge::None, BLOCK);
        assert_eq!(may_see_lists(person, blocked), Err(Hidden::NotFound));
        assert_eq!(may_see_counts(person, blocked), Err(Hidden::NotFound));
        assert_eq!(may_see_lists(person, seen_by(BLOCK, Edge::None)), Ok(()));
    }

    #[test]
    fn r44_private_lists_are_for_followers_and_the_owner() {
        let (stranger, follower) = (seen_by(Edge::None, FOLLOW), seen_by(FOLLOW, Edge::None));
        let only = |audience| Err(Hidden::ListsFor(audience));
        for (private, audience, to_stranger, to_follower) in [
            (false, ListAudience::Everyone, Ok(()), Ok(())),
            (true, ListAudience::Everyone, Err(Hidden::Private), Ok(())),
            (false, ListAudience::Followers, only(ListAudience::Followers), Ok(())),
            (false, ListAudience::OnlyMe, only(ListAudience::OnlyMe), only(ListAudience::OnlyMe)),
            (true, ListAudience::OnlyMe, Err(Hidden::Private), only(ListAudience::OnlyMe)),
        ] {
            let person = owner(private, audience, true);
            assert_eq!(may_see_lists(person, stranger), to_stranger, "{private} {audience:?}");
            assert_eq!(may_see_lists(person, follower), to_follower, "{private} {audience:?}");
            assert_eq!(may_see_lists(person, Onlooker::Owner), Ok(()));
        }
    }

    #[test]
    fn r44_hidden_counts_are_for_the_owner_alone() {
        let person = owner(false, ListAudience::Everyone, false);
        assert_eq!(may_see_counts(person, seen_by(FOLLOW, Edge::None)), Ok(false));
        assert_eq!(may_see_counts(person, Onlooker::Owner), Ok(true));
    }

    #[test]
    fn r45_a_hidden_account_is_not_there() {
        for status in [AccountStatus::Suspended, AccountStatus::Deactivated, AccountStatus::Deleted] {
            let person = Access { status, ..owner(false, ListAudience::Everyone, true) };
            assert_eq!(may_see_lists(person, seen_by(FOLLOW, FOLLOW)), Err(Hidden::NotFound));
        }
    }
}
