//! Who follows whom: from a file, or drawn.

pub mod synthetic;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// The two bytes that begin every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// People by place, and follows between them.
#[derive(Debug, Default)]
pub struct Graph {
    /// The number that each person has in the file, in order.
    pub nodes: Vec<u64>,
    /// Source and target as places in `nodes`, sorted, each edge once, without self-loops.
    pub edges: Vec<(u32, u32)>,
}

impl Graph {
    fn of(mut pairs: Vec<(u64, u64)>) -> Self {
        pairs.retain(|(source, target)| source != target);
        pairs.sort_unstable();
        pairs.dedup();
        let mut nodes: Vec<u64> = pairs.iter().flat_map(|&(source, target)| [source, target]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let places: HashMap<u64, u32> =
            nodes.iter().zip(0_u32..).map(|(node, place)| (*node, place)).collect();
        let edges =
            pairs.iter().filter_map(|(source, target)| Some((*places.get(source)?, *places.get(target)?)));
        Self { edges: edges.collect(), nodes }
    }

    /// Reads lines `a b` from a file, plain or gzipped. Lines that begin with # are comments.
    pub fn read(path: &Path, undirected: bool) -> io::Result<Self> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut file = BufReader::new(File::open(path).map_err(named)?);
        let zipped = file.fill_buf().map_err(named)?.starts_with(&GZIP_MAGIC);
        let pairs = if zipped { pairs(MultiGzDecoder::new(file)) } else { pairs(file) }.map_err(named)?;
        let back = pairs.iter().filter(|_| undirected).map(|&(a, b)| (b, a)).collect::<Vec<_>>();
        Ok(Self::of([pairs, back].concat()))
    }

    /// Writes what [`Graph::read`] reads.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let node = |place: u32| self.nodes.get(usize::try_from(place).unwrap_or(usize::MAX)).copied();
        for &(source, target) in &self.edges {
            if let (Some(source), Some(target)) = (node(source), node(target)) {
                writeln!(file, "{source} {target}")?;
            }
        }
        file.flush()
    }
}

fn pairs(input: impl Read) -> io::Result<Vec<(u64, u64)>> {
    let mut pairs = Vec::new();
    for (index, line) in BufReader::new(input).lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut numbers = line.split_whitespace().map(str::parse);
        let (Some(Ok(source)), Some(Ok(target)), None) = (numbers.next(), numbers.next(), numbers.next())
        else {
            let text = format!("line {}: expected two numbers `a b`, found {line:?}", index + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        };
        pairs.push((source, target));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_dense_and_has_each_edge_once() {
        let graph = Graph::of(pairs("# x\n9 4\n4 9\n9 4\n7 7\n4 20\n".as_bytes()).unwrap());
        assert_eq!(graph.nodes, [4, 9, 20]);
        assert_eq!(graph.edges, [(0, 1), (0, 2), (1, 0)]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("graph");
        let graph = synthetic::draw(300, 3, 7);
        graph.write(&path).unwrap();
        let again = Graph::read(&path, false).unwrap();
        assert_eq!((again.nodes, again.edges), (graph.nodes, graph.edges));
    }

    #[test]
    fn a_line_that_is_no_edge_is_named() {
        for bad in ["1", "1 2 3", "a b"] {
            assert!(pairs(format!("1 2\n{bad}").as_bytes()).unwrap_err().to_string().contains("line 2"));
        }
    }
}
