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
