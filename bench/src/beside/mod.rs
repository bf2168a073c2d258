//! What durable follows are compared with, round by round.

mod naive;
mod postgres;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use naive::NaiveLine;
use postgres::Cluster;
pub use postgres::binaries as postgres_binaries;
use shared::process::complain;

use crate::failure::Failure;
use crate::figures::Beside;
use crate::measure::Method;
use crate::world::World;

/// Where they keep what they write.
#[derive(Debug, Clone)]
pub struct Place {
    /// On the disk that the services write to.
    pub dir: PathBuf,
    /// A relation database that nobody else uses; nothing where the services are not on SQLite.
    pub copy: Option<PathBuf>,
}

/// Those of them that there are.
pub struct Neighbours {
    naive: Option<NaiveLine>,
    postgres: Option<Cluster>,
}

impl Neighbours {
    /// Starts them.
    pub async fn start(place: &Place, world: &Rc<World>, method: Method) -> Result<Self, Failure> {
        let naive = match &place.copy {
            Some(copy) => Some(NaiveLine::start(copy, world, method).await?),
            None => None,
        };
        let postgres = match (method.postgres, postgres::binaries()) {
            (true, Some(binaries)) => Some(Cluster::start(&binaries, &place.dir, method.connections).await?),
            (true, None) => {
                complain("no pgbench line: no Postgres server is installed");
                None
            }
            (false, _) => None,
        };
        Ok(Self { naive, postgres })
    }

    /// A round of each.
    pub async fn ask(&mut self, span: Duration) -> Result<Vec<Beside>, Failure> {
        let mut told = Vec::new();
        if let Some(naive) = &mut self.naive {
            told.push(naive.ask(span).await?);
        }
        if let Some(cluster) = &self.postgres {
            told.push(cluster.ask(postgres::Work::Same, span).await?);
            told.push(cluster.ask(postgres::Work::WithoutLog, span).await?);
        }
        Ok(told)
    }
}
