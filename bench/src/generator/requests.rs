//! How each kind of request is written.

use std::io::Write as _;

use super::Generator;
use crate::number::{count, place, real};
use crate::request::{Asked, Expect, Kind, Side};

/// Rows on a page.
const PAGE: usize = 20;
/// What LinkBench asks for at once follows a geometric distribution.
const MULTIGET_STOP: f64 = 0.382;
const MULTIGET_MAX: usize = 128;
/// What is asked about a person by other services.
const ATTEMPTS: [&str; 5] = ["view_profile", "view_content", "follow", "message", "comment"];

impl Generator {
    fn relationships(&mut self, out: &mut Vec<u8>, people: usize) -> Asked {
        let viewer = self.world.viewer(&mut self.rng);
        out.extend_from_slice(b"GET /v1/me/relationships?ids=");
        let count = self.ids(out, viewer, people);
        self.end(out, viewer);
        asked(Side::Relations, Expect::Items(count))
    }

    /// Different people; fewer only where there are not that many.
    fn ids(&mut self, out: &mut Vec<u8>, viewer: u32, people: usize) -> usize {
        let mut drawn: Vec<u32> = Vec::with_capacity(people);
        for _ in 0..people * 8 {
            let person = self.world.target(&mut self.rng, viewer);
            if drawn.contains(&person) {
                continue;
            }
            if !drawn.is_empty() {
                out.push(b',');
            }
            out.extend_from_slice(self.world.id(person).as_bytes());
            drawn.push(person);
            if drawn.len() == people {
                break;
            }
        }
        drawn.len()
    }

    fn end(&self, out: &mut Vec<u8>, viewer: u32) {
        out.extend_from_slice(b" HTTP/1.1\r\nhost: localhost\r\n");
        self.world.end_as(viewer, out);
    }

    /// `GET` of something about a person.
    fn about(&mut self, out: &mut Vec<u8>, before: &str, after: &str) -> (u32, u32) {
        let viewer = self.world.viewer(&mut self.rng);
        let person = self.world.target(&mut self.rng, viewer);
        write_all(out, &[before, self.world.id(person), after]);
        self.end(out, viewer);
        (viewer, person)
    }

    fn first_page(&mut self, out: &mut Vec<u8>, list: &str) -> Asked {
        self.about(out, "GET /v1/users/", list);
        asked(Side::Relations, Expect::Page(PAGE))
    }

    fn page(&mut self, out: &mut Vec<u8>, deep: bool) -> Asked {
        let viewer = self.world.viewer(&mut self.rng);
        {
            let pages = self.world.pages.borrow();
            let paths = if deep { &pages.deep } else { &pages.later };
            let path = paths.get(self.rng.usize(..paths.len().max(1)));
            write_all(out, &["GET ", path.map_or("/v1/missing", String::as_str)]);
        }
        self.end(out, viewer);
        asked(Side::Relations, Expect::Page(PAGE))
    }

    /// Begins or ends a follow.
    pub(super) fn act(&self, out: &mut Vec<u8>, viewer: u32, target: u32, following: bool) -> Asked {
        let method = if following { "PUT" } else { "DELETE" };
        write_all(out, &[method, " /v1/me/following/", self.world.id(target)]);
        self.end(out, viewer);
        asked(Side::Relations, Expect::Acted { viewer, target, following })
    }

    fn follow(&mut self, out: &mut Vec<u8>) -> Asked {
        let (viewer, target) = self.new_pair();
        self.act(out, viewer, target, true)
    }

    /// In passes: first every viewer follows, then every viewer ends it. A pass is longer than what is under way at once.
    fn celebrity(&mut self, out: &mut Vec<u8>) -> Asked {
        self.star_was_asked = true;
        loop {
            let (viewer, following) = self.pass;
            if viewer == self.world.viewers() {
                self.pass = (0, !following);
                continue;
            }
            self.pass.0 += 1;
            if self.may_star(viewer) {
                return self.act(out, viewer, self.star, following);
            }
        }
    }

    fn with_body(&self, out: &mut Vec<u8>, method_and_path: &str, ending: impl FnOnce(&mut Vec<u8>)) {
        write_all(
            out,
            &[method_and_path, " HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"],
        );
        // Writing into a list of bytes does not fail.
        let _ = write!(out, "content-length: {}\r\n", self.body.len());
        ending(out);
        out.extend_from_slice(&self.body);
    }

    fn visibility(&mut self, out: &mut Vec<u8>) -> Asked {
        const CHECKS: usize = 100;
        self.body.clear();
        self.body.extend_from_slice(b"{\"checks\":[");
        for number in 0..CHECKS {
            let viewer = self.world.viewer(&mut self.rng);
            let owner = self.world.target(&mut self.rng, viewer);
            let comma = if number == 0 { "" } else { "," };
            let (viewer, owner) = (self.world.id(self.world.person(viewer)), self.world.id(owner));
            let attempt = ATTEMPTS[number % ATTEMPTS.len()];
            let parts = [
                comma,
                "{\"viewer_id\":\"",
                viewer,
                "\",\"owner_id\":\"",
                owner,
                "\",\"action\":\"",
                attempt,
                "\"}",
            ];
            write_all(&mut self.body, &parts);
        }
        self.body.extend_from_slice(b"]}");
        self.with_body(out, "POST /v1/visibility", |out| out.extend_from_slice(&self.world.service_ending));
        asked(Side::Relations, Expect::Items(CHECKS))
    }

    fn feed(&mut self, out: &mut Vec<u8>) -> Asked {
        const EVENTS: u64 = 100;
        let after = self.rng.u64(..self.world.follows().saturating_sub(EVENTS).max(1));
        let _ = write!(out, "GET /v1/events?limit={EVENTS}&after={after} HTTP/1.1\r\nhost: localhost\r\n");
        out.extend_from_slice(&self.world.service_ending);
        asked(Side::Relations, Expect::Items(place(EVENTS)))
    }

    fn edit(&mut self, out: &mut Vec<u8>) -> Asked {
        let viewer = self.world.viewer(&mut self.rng);
        self.edits += 1;
        self.body.clear();
        let _ = write!(self.body, "{{\"bio\":\"Version {} of what I say about myself.\"}}", self.edits);
        self.with_body(out, "PATCH /v1/me", |out| self.world.end_as(viewer, out));
        asked(Side::Users, Expect::Person(self.world.person(viewer)))
    }

    fn option(&mut self, out: &mut Vec<u8>) -> Asked {
        let (viewer, target) = loop {
            let viewer = self.world.viewer(&mut self.rng);
            if let Some(target) = self.world.followee(&mut self.rng, viewer) {
                break (viewer, target);
            }
        };
        self.body.clear();
        let _ = write!(self.body, "{{\"notify\":{}}}", self.rng.bool());
        let path = ["PUT /v1/me/following/", self.world.id(target)].concat();
        self.with_body(out, &path, |out| self.world.end_as(viewer, out));
        asked(Side::Relations, Expect::Anything)
    }

    /// Writes a request of one kind.
    pub(super) fn write_kind(&mut self, kind: Kind, out: &mut Vec<u8>) -> Asked {
        let relations = |expect| asked(Side::Relations, expect);
        match kind {
            Kind::Check => {
                let (viewer, target, follows) = self.known_pair();
                write_all(out, &["GET /v1/me/relationships?ids=", self.world.id(target)]);
                self.end(out, viewer);
                relations(Expect::Follows(follows))
            }
            Kind::CheckSome => {
                let more = self.rng.f64().max(f64::EPSILON).ln() / (1.0 - MULTIGET_STOP).ln();
                let people = (1..MULTIGET_MAX).find(|people| more < real(count(*people)));
                self.relationships(out, people.unwrap_or(MULTIGET_MAX))
            }
            Kind::Check20 => self.relationships(out, 20),
            Kind::Check100 => self.relationships(out, 100),
            Kind::Counts => relations(Expect::CountsOf(self.about(out, "GET /v1/users/", "/counts").1)),
            Kind::Card => asked(Side::Users, Expect::Person(self.about(out, "GET /v1/users/", "").1)),
            Kind::Cards20 => {
                let viewer = self.world.viewer(&mut self.rng);
                out.extend_from_slice(b"GET /v1/users?ids=");
                let count = self.ids(out, viewer, 20);
                self.end(out, viewer);
                asked(Side::Users, Expect::Items(count))
            }
            Kind::Followers => self.first_page(out, "/followers?expand=user"),
            Kind::FollowersBare => self.first_page(out, "/followers"),
            Kind::Following => self.first_page(out, "/following"),
            Kind::Friends => self.first_page(out, "/friends"),
            Kind::Known => self.first_page(out, "/followers/known"),
            Kind::Older => self.page(out, false),
            Kind::Deep => self.page(out, true),
            Kind::Visibility => self.visibility(out),
            Kind::Feed => self.feed(out),
            Kind::Follow => self.follow(out),
            Kind::Unfollow => match self.standing.pop_front() {
                Some((viewer, target)) => self.act(out, viewer, target, false),
                None => self.follow(out),
            },
            Kind::Celebrity => self.celebrity(out),
            Kind::Option => self.option(out),
            Kind::ProfileEdit => self.edit(out),
        }
    }
}

/// Its name is set by who knows it.
const fn asked(side: Side, expect: Expect) -> Asked {
    Asked { side, kind: "", expect }
}

fn write_all(out: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
}
