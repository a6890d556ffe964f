//! The bench works: next to nothing of everything.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn a_tiny_fleet_fills_every_row() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_fleet-bench")).arg("--smoke").output().expect("the program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | "))
        .filter(|(what, _)| !what.is_empty() && *what != "---")
        .collect();
    assert_eq!(rows.len(), 14, "{table}");
    let value = |text: &str| {
        rows.iter().find(|(what, _)| what.contains(text)).map(|(_, value)| *value).unwrap_or_default()
    };
    assert!(value("connects per second").parse::<u32>().is_ok_and(|rate| rate > 0), "{table}");
    // Those that fit go on, and the others learn why they do not.
    let client = value("where the client may open");
    assert!(client.contains("each ran a command"), "{table}");
    assert!(client.contains("were told") && client.contains("Too many open files"), "{table}");
    let server = value("where the servers may open");
    assert!(server.contains("each ran a command") && server.contains("were told"), "{table}");
    assert_eq!(value("sessions there after these"), "20 connected, each ran a command", "{table}");
}
