//! How programs end, and what they have started, when their client goes or stays.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{PATIENCE, plan, read_until, terminal, wait_for};
use ssh_client::Exit;
use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

#[test]
fn programs_end_with_their_channel() {
    let fixture = plan().start();
    let session = fixture.session();
    for with_terminal in [false, true] {
        // It hears that all is over, and says so in a file, for its pipes are gone; what it has started hears it, too.
        let file = fixture.path(&format!("heard-{with_terminal}"));
        let words = format!(
            "trap 'echo hup >>{0}; exit' HUP; exec 2>&-; echo $$; while :; do sleep 0.05; done",
            file.display()
        );
        let command = session.command(words);
        let command = if with_terminal { command.terminal(terminal(80, 24)) } else { command };
        let channel = command.spawn().unwrap();
        let pid = read_until(&channel, "\n").trim().to_owned();
        channel.close();
        wait_for(&format!("hup with terminal: {with_terminal}"), || {
            fs::read_to_string(&file).is_ok_and(|text| text.starts_with("hup\n"))
        });
        wait_for("the end", || !is_there(&pid));
        // One that does not want to hear it is killed.
        let channel = session.command("trap '' HUP; echo $$; while :; do sleep 0.05; done").spawn().unwrap();
        let pid = read_until(&channel, "\n").trim().to_owned();
        channel.close();
        wait_for("the end by force", || !is_there(&pid));
    }
    // What has left its group and has the pipes still keeps nobody from stopping.
    let channel = session.command("setsid sleep 300 & echo $!; wait").spawn().unwrap();
    let pid = read_until(&channel, "\n").trim().to_owned();
    fixture.serving.stop();
    Command::new("kill").args(["-9", &pid]).status().unwrap();
}

#[test]
fn what_a_program_has_started_ends_with_its_client() {
    let mut plan = plan();
    plan.limits.hang_up = Duration::from_millis(300);
    let fixture = plan.start();
    // The first ends when it is told to hang up, and the one behind it does not want to hear it.
    let deaf = "nohup sleep 100 >/dev/null 2>&1 & echo $!; wait";
    // The first has ended already.
    let alone = "(trap '' HUP; exec sleep 100) & echo $!; exit 0";
    for (words, with_terminal) in [(deaf, false), (deaf, true), (alone, false)] {
        for by_session in [false, true] {
            let session = fixture.session();
            let command = session.command(words);
            let command = if with_terminal { command.terminal(terminal(80, 24)) } else { command };
            let channel = command.spawn().unwrap();
            let pid = read_until(&channel, "\n").trim().to_owned();
            assert!(runs(&pid));
            match by_session {
                true => session.close(),
                false => channel.close(),
            }
            wait_for(words, || !runs(&pid));
        }
    }
    // One that writes when nobody reads any more.
    let file = fixture.path("pid");
    let words = format!(
        "(trap '' HUP PIPE; exec 2>&-; for i in $(seq 1000); do head -c 1000000 /dev/zero; sleep 0.1; done) & echo $! >{0}.new; mv {0}.new {0}; exec 2>&-",
        file.display()
    );
    let session = fixture.session();
    let channel = session.command(words).spawn().unwrap();
    wait_for("the program", || file.exists());
    // It has filled the window, most likely.
    thread::sleep(Duration::from_millis(500));
    let pid = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert!(runs(&pid));
    channel.close();
    wait_for("the end of who writes", || !runs(&pid));
}

#[test]
fn what_a_program_has_started_has_time_to_end() {
    let mut plan = plan();
    plan.limits.hang_up = PATIENCE / 2;
    let fixture = plan.start();
    let file = fixture.path("heard");
    let words = format!(
        "exec 2>&-; (trap 'sleep 0.5; echo hup >{}; exit' HUP; echo ready; for i in $(seq 1000); do sleep 0.05; done) & wait",
        file.display()
    );
    let session = fixture.session();
    let channel = session.command(words).spawn().unwrap();
    read_until(&channel, "ready");
    let begin = Instant::now();
    channel.close();
    wait_for("what the program's child does at its end", || {
        fs::read_to_string(&file).is_ok_and(|text| text == "hup\n")
    });
    // Where the system tells who is left, nobody waits for longer.
    if cfg!(target_os = "linux") {
        fixture.serving.stop();
        assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
    }
}

#[test]
fn what_a_program_has_left_in_the_background_stays() {
    let mut plan = plan();
    plan.limits.hang_up = Duration::from_millis(100);
    let fixture = plan.start();
    let session = fixture.session();
    for with_terminal in [false, true] {
        let command = session.command("nohup sleep 100 >/dev/null 2>&1 & echo $!; sleep 0.2");
        let command = if with_terminal { command.terminal(terminal(80, 24)) } else { command };
        let output = command.output().unwrap();
        let pid = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        assert_eq!(output.exit, Some(Exit::Status(0)));
        thread::sleep(Duration::from_millis(500));
        assert!(runs(&pid), "with terminal: {with_terminal}");
        Command::new("kill").args(["-9", &pid]).status().unwrap();
    }
}

/// Whether there is such a process that has not ended.
fn runs(pid: &str) -> bool {
    let told = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    told.status.success() && !told.stdout.trim_ascii().starts_with(b"Z")
}

/// Whether there is such a process, be it one that nobody has reaped.
fn is_there(pid: &str) -> bool {
    Command::new("ps").args(["-p", pid]).output().unwrap().status.success()
}
