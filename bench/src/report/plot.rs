//! Plots as SVG: bars, which need no library. They read on light and on dark pages.

use std::fmt::Write as _;

use super::{Report, millis};
use crate::figures::Measured;
use crate::number::{count, real};

const WIDTH: f64 = 860.0;
/// Where bars begin: left of it are the names.
const LEFT: f64 = 230.0;
/// Kept free right of the longest bar, for its value.
const RIGHT: f64 = 130.0;
const TOP: f64 = 62.0;
const BAR: f64 = 11.0;
const GAP: f64 = 10.0;
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#57606a}.h{font-size:15px;font-weight:600}\
    .a{fill:#2f81f7}.b{fill:#b087e0}.c{fill:#8c959f}line{stroke:#8c959f;stroke-opacity:.4}\
    @media(prefers-color-scheme:dark){text{fill:#c9d1d9}}";

/// One group of bars: a name, and for each bar its length from 0 to 1 and its label.
struct Group {
    name: String,
    bars: Vec<(f64, String)>,
}

/// Name and text of each plot.
pub fn all(report: &Report) -> Vec<(&'static str, String)> {
    let mut plots = vec![("ratios", ratios(&report.measured))];
    if report.measured.iter().any(|one| one.open.is_some()) {
        plots.push(("latencies", latencies(&report.measured)));
    }
    plots
}

fn ratios(measured: &[Measured]) -> String {
    let group = |one: &Measured| {
        let bar = |ratio: f64| (ratio.clamp(0.0, 1.0), format!("{ratio:.2}"));
        Group { name: one.name.clone(), bars: vec![bar(one.cpu_ratio()), bar(one.rate_ratio())] }
    };
    let groups: Vec<Group> = measured.iter().map(group).collect();
    draw(
        "Part of the hello line: 1 is a bare handler with an answer of the same size",
        &["by processor time", "by requests a second"],
        &groups,
        &[(0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1")],
    )
}

/// From 10 microseconds to a second, by their logarithm.
fn latencies(measured: &[Measured]) -> String {
    let position = |micros: f64| ((micros.max(10.0).log10() - 1.0) / 5.0).clamp(0.0, 1.0);
    let group = |one: &Measured| {
        let open = one.open?;
        let bar = |micros: f64| (position(micros), format!("{} ms", millis(micros)));
        Some(Group { name: one.name.clone(), bars: vec![bar(open.p50), bar(open.p99), bar(open.p999)] })
    };
    let groups: Vec<Group> = measured.iter().filter_map(group).collect();
    draw(
        "Latency at half of the peak rate, by its logarithm",
        &["p50", "p99", "p99.9"],
        &groups,
        &[(0.0, "10 us"), (0.2, "100 us"), (0.4, "1 ms"), (0.6, "10 ms"), (0.8, "100 ms"), (1.0, "1 s")],
    )
}

fn draw(title: &str, legend: &[&str], groups: &[Group], ticks: &[(f64, &str)]) -> String {
    let group_height = BAR * real(count(legend.len())) + GAP;
    let bottom = TOP + group_height * real(count(groups.len()));
    let height = bottom + 30.0;
    let across = |part: f64| LEFT + part * (WIDTH - LEFT - RIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<text class=\"h\" x=\"8\" y=\"22\">{title}</text>\n"
    );
    // Writing into a text does not fail, here and below.
    for (index, word) in legend.iter().enumerate() {
        let x = LEFT + 150.0 * real(count(index));
        let class = class(index);
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.0}\" y=\"34\" width=\"12\" height=\"12\"/>\
             <text x=\"{:.0}\" y=\"44\">{word}</text>",
            x + 18.0
        );
    }
    for (part, label) in ticks {
        let x = across(*part);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP:.0}\" x2=\"{x:.1}\" y2=\"{bottom:.0}\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            bottom + 18.0
        );
    }
    for (index, group) in groups.iter().enumerate() {
        let top = TOP + GAP / 2.0 + group_height * real(count(index));
        let middle = top + group_height / 2.0 - 1.0;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{middle:.1}\">{}</text>", group.name);
        for (number, (part, label)) in group.bars.iter().enumerate() {
            let y = top + BAR * real(count(number));
            let _ = writeln!(
                svg,
                "<rect class=\"{}\" x=\"{LEFT:.0}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{label}</text>",
                class(number),
                (across(*part) - LEFT).max(1.0),
                BAR - 2.0,
                across(*part) + 5.0,
                y + BAR - 2.0
            );
        }
    }
    svg += "</svg>\n";
    svg
}

const fn class(number: usize) -> &'static str {
    match number {
        0 => "a",
        1 => "b",
        _ => "c",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_a_bar_for_each_figure() {
        let group =
            |name: &str| Group { name: name.to_owned(), bars: vec![(0.5, "x".into()), (2.0, "y".into())] };
        let svg = draw("t", &["one", "other"], &[group("a"), group("b")], &[(0.0, "0")]);
        assert_eq!(svg.matches("<rect").count(), 2 + 4);
        assert!(svg.ends_with("</svg>\n"));
    }
}
