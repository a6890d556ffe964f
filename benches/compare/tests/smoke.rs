//! The comparison works: next to nothing of everything, with the clients that need no building.

use std::process::Command;

#[test]
fn a_tiny_comparison_fills_every_cell_of_ours_and_writes_table_and_chart() {
    let test = "a_tiny_comparison_fills_every_cell_of_ours_and_writes_table_and_chart";
    if testing::Sshd::find().is_none() {
        return testing::skip(test, "no sshd found");
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(["--smoke", "--no-peers", "--output"])
        .arg(dir.path())
        .output()
        .expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let table = std::fs::read_to_string(dir.path().join("results.md")).expect("the table");
    // Nine transfers, two long paths and the handshake with two numbers, and five with one.
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && line.contains(" [")).collect();
    assert_eq!(rows.len(), 2 * (9 + 2 + 1) + 5, "{table}");
    for row in rows {
        let ours = row.split('|').nth(2).expect("our column");
        assert!(ours.contains('['), "{row}");
    }
    let chart = std::fs::read_to_string(dir.path().join("results.svg")).expect("the chart");
    assert!(chart.starts_with("<svg") && chart.trim_end().ends_with("</svg>"));
    assert_eq!(chart.matches("less is better").count() + chart.matches("more is better").count(), 29);
}
