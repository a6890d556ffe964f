//! The bench works, and what sessions at rest cost is bounded: little memory, and no thread of their own at the client or at
//! the server.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(target_os = "linux")]

use std::process::Command;

/// What the bench prints: the value of each row, by what it is.
struct Table {
    text: String,
    rows: Vec<(String, String)>,
}

impl Table {
    fn of(arguments: &[&str]) -> Self {
        let mut bench = Command::new(env!("CARGO_BIN_EXE_fleet-bench"));
        let output = bench.args(arguments).output().expect("the program");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rows = text
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | "))
            .filter(|(what, _)| !what.is_empty() && *what != "---")
            .map(|(what, value)| (what.to_owned(), value.to_owned()))
            .collect();
        Self { text, rows }
    }

    fn value(&self, row: &str) -> &str {
        let found = self.rows.iter().find(|(what, _)| what == row);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no row {row}: {}", self.text))
    }
}

#[test]
fn a_tiny_fleet_fills_every_row() {
    let table = Table::of(&["--smoke"]);
    let (value, text) = (|row| table.value(row), &table.text);
    assert_eq!(table.rows.len(), 17, "{text}");
    assert!(value("connects per second").parse::<u32>().is_ok_and(|rate| rate > 0), "{text}");
    // Those that fit go on, and the others learn why they do not.
    let client = value("60 sessions where the client may open some 40 files more");
    assert!(client.contains("each ran a command"), "{text}");
    assert!(client.contains("were told") && client.contains("Too many open files"), "{text}");
    let server = value("60 sessions where the servers may open 45 files");
    assert!(server.contains("each ran a command") && server.contains("were told"), "{text}");
    assert_eq!(value("20 sessions there after these"), "20 connected, each ran a command", "{text}");
}

/// An idle session of a client holds at most 16 KiB. Counted is what Rust code allocates, to the byte. What AWS-LC does, and what
/// the allocator adds, has the rest; of 5,000 sessions it is 3 KiB each.
const CLIENT_KIB: f64 = 16.0 - 4.0;
/// One of a server, with the task that waits for its requests and the one of its channel.
const SERVER_KIB: f64 = 20.0;

#[test]
fn idle_sessions_hold_little_memory_and_no_threads() {
    let table = Table::of(&["--sessions", "200", "--addresses", "5", "--jobs", "8", "--settle", "1"]);
    for (row, most) in [
        ("of that allocated by Rust code", CLIENT_KIB),
        ("of that allocated by Rust code, then", CLIENT_KIB),
        ("of the servers' allocated by Rust code", SERVER_KIB),
        ("of the servers' allocated by Rust code when each has run commands", SERVER_KIB),
    ] {
        let kib = table.value(row).strip_suffix(" KiB").and_then(|kib| kib.parse::<f64>().ok());
        // Next to nothing would mean that nothing was counted.
        assert!(kib.is_some_and(|kib| kib > 1.0 && kib <= most), "{row}: {}", table.text);
    }
    for row in [
        "threads before, while connecting, idle, and idle after commands",
        "the same of the servers' threads",
    ] {
        let threads: Vec<u64> = table.value(row).split(", ").filter_map(|count| count.parse().ok()).collect();
        // Those for what blocks come and go while sessions connect.
        let [before, _, idle, idle_again] = threads[..] else { panic!("{row}: {}", table.text) };
        assert_eq!([idle, idle_again], [before; 2], "{row}: {}", table.text);
    }
}
