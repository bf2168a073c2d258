//! Requests that are not drawn.

use std::rc::Rc;

use crate::load::Source;
use crate::request::{Asked, Expect, Side};
use crate::world::World;

/// For servers that change nothing by what they are asked.
pub struct Replay {
    requests: Vec<Vec<u8>>,
    next: usize,
}

impl Replay {
    /// Draws some requests that are never sent to a service.
    pub fn of(source: &mut dyn Source, requests: usize) -> Self {
        let draw = || {
            let mut request = Vec::new();
            source.next(&mut request).map(|_| request)
        };
        Self { requests: std::iter::from_fn(draw).take(requests).collect(), next: 0 }
    }
}

impl Source for Replay {
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        let request = self.requests.get(self.next % self.requests.len().max(1))?;
        self.next += 1;
        out.extend_from_slice(request);
        Some(Asked { side: Side::Relations, kind: "hello", expect: Expect::Anything })
    }
}

/// One request of every viewer to each service, so that their tokens are verified before anything counts.
pub struct Introduction {
    world: Rc<World>,
    next: u32,
}

impl Introduction {
    /// Everybody.
    pub const fn new(world: Rc<World>) -> Self {
        Self { world, next: 0 }
    }
}

impl Source for Introduction {
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        let viewer = self.next / 2;
        let side = if self.next.is_multiple_of(2) { Side::Users } else { Side::Relations };
        if viewer >= self.world.viewers() {
            return None;
        }
        self.next += 1;
        let id = self.world.id(self.world.person(viewer));
        let path = match side {
            Side::Users => "GET /v1/me".to_owned(),
            Side::Relations => format!("GET /v1/me/relationships?ids={id}"),
        };
        out.extend_from_slice(path.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\n");
        self.world.end_as(viewer, out);
        Some(Asked { side, kind: "introduction", expect: Expect::Anything })
    }
}

/// One look at everybody who is asked about, as far as that ends soon: their cards, counts, pairs and lists. What is remembered of people whom few
/// ask for would otherwise be loaded all through a run.
pub struct Walk {
    world: Rc<World>,
    /// In the order of those who are asked about.
    next: u32,
    /// How many of the looks at this person have been sent.
    looks: usize,
}

/// People who are looked at in one go.
const WALKED_MAX: u32 = 100_000;
/// People of one request that may name so many.
const NAMED: u32 = 100;

impl Walk {
    /// Looks at everybody.
    pub const fn new(world: Rc<World>) -> Self {
        Self { world, next: 0, looks: 0 }
    }

    /// The ids of this person and of those behind, as a request names them.
    fn ids(&self) -> String {
        let end = (self.next + NAMED).min(self.world.asked());
        let ids: Vec<&str> =
            (self.next..end).map(|number| self.world.id(self.world.person(number))).collect();
        ids.join(",")
    }
}

impl Source for Walk {
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        let looks: usize = if self.next.is_multiple_of(NAMED) { 4 } else { 2 };
        if self.looks == looks {
            (self.next, self.looks) = (self.next + 1, 0);
        }
        if self.next >= self.world.asked().min(WALKED_MAX) {
            return None;
        }
        let id = self.world.id(self.world.person(self.next));
        let (side, path) = match self.looks {
            0 => (Side::Relations, format!("/v1/users/{id}/followers?expand=user")),
            1 => (Side::Relations, format!("/v1/users/{id}/following")),
            2 => (Side::Relations, format!("/v1/me/relationships?ids={}", self.ids())),
            _ => (Side::Users, format!("/v1/users?ids={}", self.ids())),
        };
        self.looks += 1;
        out.extend_from_slice(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n").as_bytes());
        self.world.end_as(0, out);
        Some(Asked { side, kind: "walk", expect: Expect::Anything })
    }
}
