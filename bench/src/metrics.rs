//! What the services say about themselves at `/metrics`.

use std::net::SocketAddr;

use crate::load::Connection;

/// The name of the count of what was loaded into a cache.
const LOADS: &str = "mutual_cache_loads_total";
/// The name of the count of allocations, which only a build for measurements tells.
const ALLOCATIONS: &str = "mutual_allocations_total";

/// All samples: the name with its labels, and the value.
pub async fn samples(address: Option<SocketAddr>) -> Vec<(String, f64)> {
    let Some(address) = address else { return Vec::new() };
    let Ok(mut connection) = Connection::open(address).await else { return Vec::new() };
    match connection.exchange(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await {
        Ok(answer) if answer.status == 200 => parse(&String::from_utf8_lossy(answer.body)),
        _ => Vec::new(),
    }
}

/// Those that say how full caches are.
pub async fn caches(address: Option<SocketAddr>) -> Vec<(String, f64)> {
    let told = |name: &str| name.contains("cache") && !name.contains("_bucket");
    samples(address).await.into_iter().filter(|(name, _)| told(name)).collect()
}

/// How many entries the caches have loaded so far.
pub async fn loads(address: Option<SocketAddr>) -> f64 {
    let told = |name: &str| name.starts_with(LOADS);
    samples(address).await.into_iter().filter(|(name, _)| told(name)).map(|(_, value)| value).sum()
}

/// How often the services have allocated memory so far, where they count that.
pub async fn allocations(address: Option<SocketAddr>) -> Option<f64> {
    samples(address).await.into_iter().find_map(|(name, value)| (name == ALLOCATIONS).then_some(value))
}

fn parse(text: &str) -> Vec<(String, f64)> {
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    text.lines().filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read() {
        let text = "# TYPE a counter\na 5\nb{service=\"x y\"} 1.5e3\n\nnonsense\n";
        assert_eq!(parse(text), [("a".to_owned(), 5.0), ("b{service=\"x y\"}".to_owned(), 1_500.0)]);
    }
}
