//! What is measured, and how a number comes out of runs.

use std::fs;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use testing::{Direction, KeyKind, Proxy, Sshd};

use crate::client::{Client, Run};
use crate::job::{Job, Work};
use crate::ours::Outcome;
use crate::own::OwnServer;

/// A way to measure: runs a client, answers one sample per metric.
pub(crate) struct Measurement {
    pub(crate) title: String,
    pub(crate) metrics: &'static [Metric],
    how: How,
    cipher: Cipher,
}

impl Measurement {
    /// Whether it takes this client time, and next to none of the processor: the path is long, or what others keep doing
    /// without need, which is to wait for a window or for an acknowledgement.
    fn waits(&self, client: &Client) -> bool {
        match self.how {
            How::RoundTrips(..) | How::LongPath(Work::Upload) => true,
            How::LongPath(_) | How::Sequential => !client.is_ours(),
            _ => false,
        }
    }
}

/// Clients that wait at the same time start so long after each other, so that they do not compute at the same time.
const STAGGER: Duration = Duration::from_millis(40);

/// One number per metric; `None` for what the client cannot do.
pub(crate) type Sample = Option<Result<Vec<f64>, String>>;

/// What a number means.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) digits: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

/// How much of each is done in one run.
#[derive(Clone, Copy)]
pub(crate) struct Amounts {
    pub(crate) bytes: u64,
    pub(crate) handshakes: u64,
    pub(crate) sequential: u64,
    pub(crate) concurrent: u64,
    pub(crate) echoes: u64,
    /// Round-trip times to compare, in milliseconds.
    pub(crate) rtts: [u64; 2],
    /// A long path is watched from the first to the second, in milliseconds after the start.
    pub(crate) watch: [u64; 2],
}

impl Amounts {
    pub(crate) const FULL: Amounts = Amounts {
        bytes: 1 << 30,
        handshakes: 50,
        sequential: 500,
        concurrent: 64,
        echoes: 2000,
        rtts: [100, 300],
        watch: [3000, 5000],
    };
    pub(crate) const QUICK: Amounts =
        Amounts { bytes: 256 << 20, handshakes: 20, sequential: 50, echoes: 500, ..Amounts::FULL };
    /// Whether it works at all.
    pub(crate) const SMOKE: Amounts = Amounts {
        bytes: 1 << 20,
        handshakes: 2,
        sequential: 3,
        concurrent: 3,
        echoes: 3,
        rtts: [1, 20],
        watch: [200, 400],
    };
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Transfer(Work),
    /// From the library's own server.
    FromOwn,
    Handshakes,
    /// As many connections as make a median, and the work they are.
    RoundTrips(Work, u64),
    LongPath(Work),
    Sequential,
    Concurrent,
    Echo,
}

#[derive(Clone, Copy)]
struct Cipher {
    name: &'static str,
    mac: Option<&'static str>,
}

const GCM: Cipher = Cipher { name: "aes128-gcm@openssh.com", mac: None };
const CIPHERS: [Cipher; 3] = [
    GCM,
    Cipher { name: "chacha20-poly1305@openssh.com", mac: None },
    Cipher { name: "aes128-ctr", mac: Some("hmac-sha2-256-etm@openssh.com") },
];

const TRANSFER: [Metric; 2] = [
    Metric { name: "client CPU", unit: "s/GiB", better: Better::Less, digits: 2 },
    Metric { name: "throughput", unit: "MiB/s", better: Better::More, digits: 0 },
];
const HANDSHAKE: [Metric; 2] = [
    Metric { name: "time", unit: "ms", better: Better::Less, digits: 1 },
    Metric { name: "client CPU", unit: "ms", better: Better::Less, digits: 1 },
];
const ROUND_TRIPS: [Metric; 1] = [Metric { name: "round trips", unit: "", better: Better::Less, digits: 1 }];
const LONG_DOWNLOAD: [Metric; 2] = [
    Metric { name: "throughput", unit: "MiB/s", better: Better::More, digits: 0 },
    Metric { name: "client's peak memory", unit: "MiB", better: Better::Less, digits: 0 },
];
const LONG_UPLOAD: [Metric; 2] = [
    Metric { name: "throughput", unit: "MiB/s", better: Better::More, digits: 1 },
    Metric { name: "of what sshd's window allows", unit: "%", better: Better::More, digits: 1 },
];
const MIB: f64 = (1 << 20) as f64;
/// The window of a channel at sshd in bytes, which is all that can be on the way in a round trip.
const SSHD_WINDOW: f64 = (2 << 20) as f64;
const CHANNELS: [Metric; 1] = [Metric { name: "commands", unit: "/s", better: Better::More, digits: 0 }];
const ECHO: [Metric; 1] = [Metric { name: "time", unit: "µs", better: Better::Less, digits: 0 }];

/// Everything that is measured.
pub(crate) fn all(amounts: &Amounts) -> Vec<Measurement> {
    let mut all = Vec::new();
    for work in [Work::Download, Work::Upload] {
        for cipher in CIPHERS {
            let mac = cipher.mac.map(|mac| format!(" + {mac}")).unwrap_or_default();
            let title = format!("{work}, {}{mac}", cipher.name).replace("@openssh.com", "");
            all.push(Measurement { title, metrics: &TRANSFER, how: How::Transfer(work), cipher });
        }
    }
    for (work, title) in [
        (Work::DownloadWatched, "download, aes128-gcm, by a caller that could also poll"),
        (Work::DownloadBeside, "download, aes128-gcm, beside a channel that nobody reads"),
    ] {
        all.push(Measurement {
            title: title.to_owned(),
            metrics: &TRANSFER,
            how: How::Transfer(work),
            cipher: GCM,
        });
    }
    let title = "download, aes128-gcm, from a server of this library".to_owned();
    all.push(Measurement { title, metrics: &TRANSFER, how: How::FromOwn, cipher: GCM });
    let [low, high] = amounts.rtts;
    let mut add = |title: String, metrics, how| all.push(Measurement { title, metrics, how, cipher: GCM });
    add("connect, ed25519 key, `true`, close".to_owned(), &HANDSHAKE, How::Handshakes);
    add(
        format!("TCP connection to exit status of `true` (slope between {low} and {high} ms)"),
        &ROUND_TRIPS,
        How::RoundTrips(Work::Handshakes, 1),
    );
    add("the same, to a host seen before".to_owned(), &ROUND_TRIPS, How::RoundTrips(Work::Reconnects, 3));
    for (work, metrics) in [(Work::Download, &LONG_DOWNLOAD), (Work::Upload, &LONG_UPLOAD)] {
        let title = format!("{work} over a path of {low} ms, no limit of bandwidth");
        add(title, metrics, How::LongPath(work));
    }
    add("commands on one session, one after the other".to_owned(), &CHANNELS, How::Sequential);
    add(format!("{} commands at once on one session", amounts.concurrent), &CHANNELS, How::Concurrent);
    add("a byte through `cat` and back".to_owned(), &ECHO, How::Echo);
    all
}

/// Where the runs of one comparison take place.
pub(crate) struct Place {
    sshd: Sshd,
    own: OwnServer,
    key: PathBuf,
    amounts: Amounts,
}

impl Place {
    pub(crate) fn new(sshd: Sshd, amounts: Amounts) -> Outcome<Place> {
        let key = sshd.user_key_path(KeyKind::Ed25519);
        let own = OwnServer::start(sshd.user(), &key)?;
        Ok(Place { sshd, own, key, amounts })
    }

    /// One sample of each client: those that compute take turns, those that wait do so at the same time.
    pub(crate) fn samples(&self, measurement: &Measurement, clients: &[Client]) -> Vec<Sample> {
        thread::scope(|scope| {
            let (mut samples, mut waiting) = (Vec::new(), Vec::new());
            for (index, client) in clients.iter().enumerate() {
                if measurement.waits(client) {
                    waiting.push((index, client));
                    samples.push(None);
                } else {
                    samples.push(self.sample(measurement, client));
                }
            }
            let start = |(index, client)| {
                let sample = scope.spawn(move || {
                    thread::sleep(STAGGER * index as u32);
                    self.sample(measurement, client)
                });
                (index, sample)
            };
            let running: Vec<_> = waiting.into_iter().map(start).collect();
            for (index, sample) in running {
                samples[index] = sample.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
            samples
        })
    }

    fn sample(&self, measurement: &Measurement, client: &Client) -> Sample {
        let work = match measurement.how {
            How::Transfer(work) => work,
            How::FromOwn => Work::Download,
            How::Sequential => Work::Sequential,
            How::Concurrent => Work::Concurrent,
            How::Echo => Work::Echo,
            How::Handshakes => Work::Handshakes,
            How::LongPath(work) | How::RoundTrips(work, _) => work,
        };
        let can = client.can(work) && (*client != Client::Tcp || measurement.how == How::FromOwn);
        can.then(|| self.measure(measurement, client, work))
    }

    fn measure(&self, measurement: &Measurement, client: &Client, work: Work) -> Result<Vec<f64>, String> {
        let job = |amount| self.job(measurement, work, amount);
        let amounts = &self.amounts;
        match measurement.how {
            How::Transfer(_) | How::FromOwn => {
                let addr = match (measurement.how, client) {
                    (How::FromOwn, Client::Tcp) => self.own.tcp,
                    (How::FromOwn, _) => self.own.ssh,
                    _ => self.sshd.addr(),
                };
                let job = |amount| Job { addr, ..job(amount) };
                let (run, bytes) = (net(client, &job(0), &job(amounts.bytes))?, amounts.bytes as f64);
                let cpu = run.cpu.as_secs_f64() / (bytes / (1_u64 << 30) as f64);
                Ok(vec![cpu, bytes / (1 << 20) as f64 / run.wall.as_secs_f64()])
            }
            How::Handshakes => {
                let run = client.run(&job(amounts.handshakes))?;
                Ok(vec![millis(run.value), millis(run.cpu) / amounts.handshakes as f64])
            }
            How::RoundTrips(_, connections) => {
                let [low, high] = amounts.rtts;
                let fast = self.behind_proxy(&job(connections), low, |job| client.run(job))?;
                let slow = self.behind_proxy(&job(connections), high, |job| client.run(job))?;
                Ok(vec![(millis(slow.value) - millis(fast.value)) / (high - low) as f64])
            }
            // More than can be transferred in the time: it is watched, and then ended.
            How::LongPath(_) => self.watched(&job(4 << 30), client),
            How::Sequential => {
                let run = net(client, &job(0), &job(amounts.sequential))?;
                Ok(vec![amounts.sequential as f64 / run.wall.as_secs_f64()])
            }
            How::Concurrent => {
                let run = net(client, &job(0), &job(amounts.concurrent))?;
                Ok(vec![amounts.concurrent as f64 / run.wall.as_secs_f64()])
            }
            How::Echo => Ok(vec![client.run(&job(amounts.echoes))?.value.as_secs_f64() * 1e6]),
        }
    }

    fn job(&self, measurement: &Measurement, work: Work, amount: u64) -> Job {
        Job {
            work,
            addr: self.sshd.addr(),
            user: self.sshd.user().to_owned(),
            key: self.key.clone(),
            cipher: measurement.cipher.name.to_owned(),
            mac: measurement.cipher.mac.map(str::to_owned),
            amount,
        }
    }

    fn behind_proxy<T>(
        &self,
        job: &Job,
        rtt: u64,
        run: impl FnOnce(&Job) -> Result<T, String>,
    ) -> Result<T, String> {
        let proxy = self.proxy(rtt);
        run(&Job { addr: proxy.addr(), ..job.clone() })
    }

    fn watched(&self, job: &Job, client: &Client) -> Result<Vec<f64>, String> {
        let rtt = self.amounts.rtts[0];
        let proxy = self.proxy(rtt);
        let mut child = client.start(&Job { addr: proxy.addr(), ..job.clone() })?;
        let direction = if job.work == Work::Upload { Direction::ToServer } else { Direction::ToClient };
        // Nobody reads what it says, which is nothing before its end.
        let [from, to] = self.amounts.watch.map(Duration::from_millis);
        thread::sleep(from);
        let rate = match job.work {
            Work::Upload => rate_of_bursts(&proxy, direction, 3 * (to - from)),
            _ => {
                let before = proxy.bytes(direction);
                thread::sleep(to - from);
                (proxy.bytes(direction) - before) as f64 / (to - from).as_secs_f64()
            }
        };
        let peak = peak_memory(child.id());
        let ended = child.try_wait().map_err(|error| error.to_string())?;
        let _ = child.kill();
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        match ended {
            None if job.work == Work::Upload => {
                Ok(vec![rate / MIB, rate / (SSHD_WINDOW / (rtt as f64 / 1e3)) * 100.0])
            }
            None => Ok(vec![rate / MIB, peak? / MIB]),
            Some(status) => Err(format!("{status}: {}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn proxy(&self, rtt: u64) -> Proxy {
        let proxy = Proxy::start(self.sshd.addr());
        for direction in [Direction::ToServer, Direction::ToClient] {
            proxy.delay(direction, Duration::from_millis(rtt) / 2);
        }
        proxy
    }
}

/// Bytes a second for about `time`, from the start of one burst to the start of another: a window is sent at once, each
/// round trip anew, and between two moments taken by chance there may be one burst more or less. Where nothing comes in
/// bursts, such moments do.
fn rate_of_bursts(proxy: &Proxy, direction: Direction, time: Duration) -> f64 {
    const TICK: Duration = Duration::from_millis(1);
    const SILENCE: Duration = Duration::from_millis(20);
    let begin = (Instant::now(), proxy.bytes(direction));
    let (mut moved, mut seen) = begin;
    let mut starts = Vec::new();
    while begin.0.elapsed() < time {
        thread::sleep(TICK);
        let (now, bytes) = (Instant::now(), proxy.bytes(direction));
        if bytes == seen {
            continue;
        }
        if now - moved > SILENCE {
            // What has come with this burst is not counted for its start.
            starts.push((now, seen));
        }
        (moved, seen) = (now, bytes);
    }
    let (from, to) = match starts[..] {
        [first, .., last] => (first, last),
        _ => (begin, (Instant::now(), proxy.bytes(direction))),
    };
    (to.1 - from.1) as f64 / (to.0 - from.0).as_secs_f64()
}

/// What the larger job costs beyond the smaller one, that is without starting and connecting.
fn net(client: &Client, nothing: &Job, job: &Job) -> Result<Run, String> {
    let (base, run) = (client.run(nothing)?, client.run(job)?);
    // A client that is faster with work than without has been disturbed; a tiny number shows that.
    let beyond = |run: Duration, base| run.saturating_sub(base).max(Duration::from_micros(1));
    Ok(Run { wall: beyond(run.wall, base.wall), cpu: beyond(run.cpu, base.cpu), value: run.value })
}

/// The most memory that a process has had resident so far, in bytes.
fn peak_memory(process: u32) -> Result<f64, String> {
    let path = format!("/proc/{process}/status");
    let status = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let kib: f64 = peak.and_then(|peak| peak.parse().ok()).ok_or_else(|| format!("{path} tells no peak"))?;
    Ok(kib * 1024.0)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
