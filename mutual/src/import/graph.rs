//! Reading an edge list.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// The two bytes that begin every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An edge list, sorted, each edge once.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Source and target, in that order of sorting.
    pub edges: Vec<(u64, u64)>,
    /// Lines whose two ends are the same: nobody follows themselves.
    pub self_loops: u64,
    /// Lines that repeat an earlier edge.
    pub duplicates: u64,
}

impl Graph {
    /// Every number that occurs, in order.
    pub fn nodes(&self) -> Vec<u64> {
        let mut nodes: Vec<u64> = self.edges.iter().flat_map(|&(source, target)| [source, target]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

/// Reads a file, plain or gzipped.
pub fn read_file(path: &Path, undirected: bool) -> io::Result<Graph> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut file = BufReader::new(File::open(path).map_err(named)?);
    let zipped = file.fill_buf().map_err(named)?.starts_with(&GZIP_MAGIC);
    if zipped { read(MultiGzDecoder::new(file), undirected) } else { read(file, undirected) }.map_err(named)
}

/// Reads lines `a b`. A line that is not one stops the reading: half a graph helps nobody.
fn read(input: impl Read, undirected: bool) -> io::Result<Graph> {
    let mut graph = Graph::default();
    for (index, line) in BufReader::new(input).lines().enumerate() {
        let line = line?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (source, target) = edge(line).ok_or_else(|| {
            let text = format!("line {}: expected two numbers `a b`, found {line:?}", index + 1);
            io::Error::new(io::ErrorKind::InvalidData, text)
        })?;
        if source == target {
            graph.self_loops += 1;
            continue;
        }
        graph.edges.push((source, target));
        if undirected {
            graph.edges.push((target, source));
        }
    }
    let read = graph.edges.len();
    graph.edges.sort_unstable();
    graph.edges.dedup();
    graph.duplicates = u64::try_from(read - graph.edges.len()).unwrap_or(u64::MAX);
    Ok(graph)
}

fn edge(line: &str) -> Option<(u64, u64)> {
    let mut numbers = line.split_whitespace().map(str::parse);
    let edge = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    numbers.next().is_none().then_some(edge)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn self_loops_and_duplicates_are_counted_and_left_out() {
        let graph = read("# a comment\n3 1\n1 2\n\n1 2\n2 2\n2\t1\n".as_bytes(), false).unwrap();
        assert_eq!(graph.edges, [(1, 2), (2, 1), (3, 1)]);
        assert_eq!((graph.self_loops, graph.duplicates), (1, 1));
        assert_eq!(graph.nodes(), [1, 2, 3]);
    }

    #[test]
    fn an_undirected_line_is_both_edges() {
        assert_eq!(read("1 2\n".as_bytes(), true).unwrap().edges, [(1, 2), (2, 1)]);
    }

    #[test]
    fn a_line_that_is_no_edge_is_named() {
        for bad in ["1", "1 2 3", "a b", "1 -2", "1 99999999999999999999"] {
            let error = read(format!("1 2\n{bad}\n").as_bytes(), false).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_gzipped_file_is_recognised_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("graph");
        let mut zip = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        zip.write_all(b"1 2\n").unwrap();
        zip.finish().unwrap();
        assert_eq!(read_file(&path, false).unwrap().edges, [(1, 2)]);
    }
}
