//! The table on the terminal.

use crate::figures::Measured;
use crate::number::grouped;
use crate::report::millis;

/// One line for each operation.
pub fn table(measured: &[Measured]) -> String {
    let mut text = format!(
        "{:<31} {:>8} {:>10} {:>14} {:>14} {:>9} {:>16}\n",
        "operation", "req/s", "CPU us/req", "of hello: rate", "of hello: CPU", "p50 ms", "p99 ms (hello)"
    );
    for one in measured {
        let (p50, p99) = match (one.open, one.hello_open) {
            (Some(open), Some(hello)) => {
                (millis(open.p50), format!("{} ({})", millis(open.p99), millis(hello.p99)))
            }
            _ => ("-".to_owned(), "-".to_owned()),
        };
        text += &format!(
            "{:<31} {:>8} {:>10.1} {:>14.3} {:>14.3} {:>9} {:>16}\n",
            one.name,
            grouped(one.middle(|round| round.rate)),
            one.middle(|round| round.micros),
            one.rate_ratio(),
            one.cpu_ratio(),
            p50,
            p99,
        );
        if let Some(allocations) = one.allocations() {
            text += &format!("  {allocations:.1} allocations a request\n");
        }
        for (name, rate, cpu) in one.ratios_beside() {
            text += &format!(
                "  {rate:.2} times as many a second, {cpu:.2} times less processor time than {name}\n"
            );
        }
    }
    text
}
