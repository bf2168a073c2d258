//! The naive line: follows of one transaction each, on a copy of the same database.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use crate::failure::Failure;
use crate::figures::Beside;
use crate::generator::Generator;
use crate::load::Source;
use crate::measure::{Method, Rival};
use crate::request::{Asked, Expect, Kind};
use crate::world::World;

/// A server that commits each follow by itself.
pub struct NaiveLine {
    rival: Rival,
    source: RefCell<Pairs>,
}

/// New follows, in the path that the server understands.
struct Pairs {
    generator: Generator,
    world: Rc<World>,
    drawn: Vec<u8>,
}

impl NaiveLine {
    /// Starts the server on a database that nobody else uses.
    pub async fn start(database: &Path, world: &Rc<World>, method: Method) -> Result<Self, Failure> {
        let url = format!("sqlite://{}", database.display());
        let rival = Rival::start(&["naive", "--database-url", &url], method).await?;
        let generator = Generator::new(world.clone(), &vec![(1.0, Kind::Follow)], method.seed);
        let pairs = Pairs { generator, world: world.clone(), drawn: Vec::new() };
        Ok(Self { rival, source: RefCell::new(pairs) })
    }

    /// A closed loop.
    pub async fn ask(&mut self, span: Duration) -> Result<Beside, Failure> {
        let (figures, micros) = self.rival.ask(&self.source, span).await?;
        Ok(Beside { name: "one transaction a request, SQLite", rate: figures.rate(), micros })
    }
}

impl Source for Pairs {
    fn next(&mut self, out: &mut Vec<u8>) -> Option<Asked> {
        self.drawn.clear();
        let asked = self.generator.next(&mut self.drawn)?;
        let Expect::Acted { viewer, target, .. } = asked.expect else { return None };
        let (source, target) = (self.world.id(self.world.person(viewer)), self.world.id(target));
        for part in ["PUT /", source, "/", target, " HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        Some(asked)
    }

    fn check(&self, _asked: &Asked, body: &[u8]) -> Result<(), String> {
        if body == br#"{"changed":true}"# { Ok(()) } else { Err(String::from_utf8_lossy(body).into_owned()) }
    }
}
