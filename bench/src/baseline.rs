//! A file of ratios to compare with.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::failure::Failure;
use crate::figures::Measured;

/// How far a ratio may fall: to two thirds.
const FALL_MAX: f64 = 2.0 / 3.0;

/// The ratio of processor time by operation.
type Ratios = BTreeMap<String, f64>;

/// Writes this run's ratios, and keeps those of what it has not measured.
pub fn update(file: &Path, measured: &[Measured]) -> Result<(), Failure> {
    let mut ratios = if file.exists() { read(file)? } else { Ratios::new() };
    ratios.extend(measured.iter().map(|one| (one.name.clone(), (one.cpu_ratio() * 1e4).round() / 1e4)));
    let text = serde_json::to_string_pretty(&ratios).map_err(io::Error::from)?;
    Ok(fs::write(file, format!("{text}\n"))?)
}

/// Compares. Returns a line for each operation; fails if one has fallen too far.
pub fn compare(file: &Path, measured: &[Measured]) -> Result<Vec<String>, Failure> {
    let (lines, fallen) = compared(&read(file)?, measured);
    if fallen.is_empty() { Ok(lines) } else { Err(Failure::Slower(fallen.join("; "))) }
}

fn compared(baseline: &Ratios, measured: &[Measured]) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut fallen) = (Vec::new(), Vec::new());
    for one in measured {
        let ratio = one.cpu_ratio();
        match baseline.get(&one.name) {
            Some(before) => {
                let line = format!("{}: {ratio:.3} of the hello line, was {before:.3}", one.name);
                if ratio < before * FALL_MAX {
                    fallen.push(line.clone());
                }
                lines.push(line);
            }
            None => lines.push(format!("{}: {ratio:.3} of the hello line, not in the baseline", one.name)),
        }
    }
    (lines, fallen)
}

fn read(file: &Path) -> Result<Ratios, Failure> {
    let named = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| named(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Round;
    use crate::load::Figures;

    fn measured(micros: [f64; 3]) -> Measured {
        let round = |micros| Round { micros, hello_micros: 10.0, ..Round::default() };
        Measured { rounds: micros.map(round).to_vec(), ..Measured::new("a", &Figures::default()) }
    }

    #[test]
    fn a_fall_by_more_than_a_third_is_told_and_one_odd_round_is_not() {
        let baseline = Ratios::from([("a".to_owned(), 0.1)]);
        let fallen = |micros| !compared(&baseline, &[measured(micros)]).1.is_empty();
        assert!(!fallen([100.0, 100.0, 100.0]));
        assert!(!fallen([100.0, 100.0, 900.0]));
        assert!(!fallen([149.0, 149.0, 149.0]));
        assert!(fallen([100.0, 151.0, 151.0]));
    }

    #[test]
    fn an_update_keeps_what_was_not_measured() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("baseline.json");
        fs::write(&file, r#"{"b": 0.5}"#).unwrap();
        update(&file, &[measured([100.0, 100.0, 100.0])]).unwrap();
        assert_eq!(read(&file).unwrap(), Ratios::from([("a".to_owned(), 0.1), ("b".to_owned(), 0.5)]));
    }
}
