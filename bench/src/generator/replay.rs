//! Requests that are asked again and again.

use crate::load::Source;
use crate::request::{Asked, Expect, Side};

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
