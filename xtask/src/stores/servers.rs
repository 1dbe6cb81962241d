//! What each server is: how it is started, when it is ready, what tests are told of it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::install::Tools;
use super::ports::{self, GRPC_OFFSET};
use super::state::{Server, State};
use super::{Folder, Lifetime, running};
use crate::python::tail;
use crate::{Outcome, clock};

/// S3 with conditional writes, all in one process.
const SEAWEEDFS: &str = "seaweedfs";
/// Google Cloud Storage in memory, on its JSON API.
const FAKE_GCS: &str = "fake-gcs-server";
/// The XML API in front of it.
const SHIM: &str = "gcs-xml-shim";
/// S3 that answers 200 to every conditional write.
const RCLONE: &str = "rclone";

/// All servers, in the order in which they start.
pub(super) const NAMES: [&str; 4] = [SEAWEEDFS, FAKE_GCS, SHIM, RCLONE];

const BUCKET: &str = "datashard-test";
/// Made up for servers that only this machine sees.
const KEY: &str = "datashard-test-key";
const SECRET: &str = "datashard-test-secret";

const READY_WAIT: Duration = Duration::from_secs(90);
const CONNECT_WAIT: Duration = Duration::from_millis(500);

/// Where SeaweedFS puts its sockets, whatever it is told.
const SOCKETS: &str = "/tmp";

/// A start of all servers on ports that were free a moment ago.
pub(super) struct Plan<'a> {
    folder: &'a Folder,
    tools: &'a Tools,
    ports: Ports,
}

/// SeaweedFS: S3, master, volume, filer, admin, each with its gRPC side.
struct Ports {
    seaweedfs: [u16; 5],
    fake_gcs: u16,
    shim: u16,
    rclone: u16,
}

impl<'a> Plan<'a> {
    pub(super) fn new(folder: &'a Folder, tools: &'a Tools) -> Result<Self, String> {
        let found = ports::free(8)?;
        let [s3, master, volume, filer, admin, fake_gcs, shim, rclone] = found.as_slice() else {
            return Err(format!("asked for 8 ports, was given {}", found.len()));
        };
        let ports = Ports {
            seaweedfs: [*s3, *master, *volume, *filer, *admin],
            fake_gcs: *fake_gcs,
            shim: *shim,
            rclone: *rclone,
        };
        Ok(Self { folder, tools, ports })
    }

    /// Starts every server and hands each over as soon as it has a process.
    pub(super) fn spawn_all(
        &self,
        lifetime: Lifetime,
        mut started: impl FnMut(Server) -> Outcome,
    ) -> Outcome {
        for name in NAMES {
            let (mut command, ports) = self.command(name)?;
            let log = self.folder.log(name);
            let output = File::create(&log).and_then(|file| Ok((file.try_clone()?, file)));
            let (out, err) = output.map_err(|error| format!("cannot write {}: {error}", log.display()))?;
            command.stdin(Stdio::null()).stdout(out).stderr(err);
            #[cfg(unix)]
            if lifetime == Lifetime::Detached {
                std::os::unix::process::CommandExt::process_group(&mut command, 0);
            }
            #[cfg(not(unix))]
            let _ = lifetime;
            let child = command.spawn().map_err(|error| format!("cannot start {name}: {error}"))?;
            let identity = running::identity(child.id()).ok_or_else(|| self.ended(name))?;
            started(Server { name: name.to_owned(), pid: child.id(), identity, ports })?;
        }
        Ok(())
    }

    /// How a server is started, in a folder of its own that is also its home, and the ports it takes.
    fn command(&self, name: &str) -> Result<(Command, Vec<u16>), String> {
        let data = self.folder.data(name);
        fs::create_dir_all(&data).map_err(|error| format!("cannot create {}: {error}", data.display()))?;
        let (mut command, ports) = match name {
            SEAWEEDFS => self.seaweedfs(),
            FAKE_GCS => self.fake_gcs(),
            SHIM => self.shim(),
            _ => self.rclone(&data)?,
        };
        command.current_dir(&data).env("HOME", &data).env("TMPDIR", ".");
        Ok((command, ports))
    }

    fn seaweedfs(&self) -> (Command, Vec<u16>) {
        let mut command = Command::new(&self.tools.weed);
        command.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", SECRET);
        command.args(["mini", "-dir=.", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]);
        command.args(["-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
        command.args(["-s3.autoCreateBucket=false", &format!("-bucket={BUCKET}")]);
        let mut all = Vec::new();
        for (part, port) in ["s3", "master", "volume", "filer", "admin"].iter().zip(self.ports.seaweedfs) {
            let grpc = port.saturating_add(GRPC_OFFSET);
            command.arg(format!("-{part}.port={port}")).arg(format!("-{part}.port.grpc={grpc}"));
            all.extend([port, grpc]);
        }
        (command, all)
    }

    fn fake_gcs(&self) -> (Command, Vec<u16>) {
        let port = self.ports.fake_gcs;
        let mut command = Command::new(&self.tools.fake_gcs);
        command.args(["-scheme", "http", "-host", "127.0.0.1", "-port", &port.to_string()]);
        command.args(["-backend", "memory", "-log-level", "error"]);
        command.args(["-external-url", &url(port), "-public-host", &format!("127.0.0.1:{port}")]);
        (command, vec![port])
    }

    fn shim(&self) -> (Command, Vec<u16>) {
        let port = self.ports.shim;
        let mut command = Command::new(&self.tools.python);
        command.arg(self.tools.support.join("gcs_xml_shim.py"));
        command.args(["--port", &port.to_string(), "--upstream", &url(self.ports.fake_gcs)]);
        (command, vec![port])
    }

    /// Serves a folder; the folders in it are buckets.
    fn rclone(&self, data: &Path) -> Result<(Command, Vec<u16>), String> {
        let port = self.ports.rclone;
        let bucket = data.join("buckets").join(BUCKET);
        fs::create_dir_all(&bucket)
            .map_err(|error| format!("cannot create {}: {error}", bucket.display()))?;
        let mut command = Command::new(&self.tools.rclone);
        command.args(["serve", "s3", "--config", "", "--cache-dir", "cache"]);
        command.args([
            "--addr",
            &format!("127.0.0.1:{port}"),
            "--auth-key",
            &format!("{KEY},{SECRET}"),
            "buckets",
        ]);
        Ok((command, vec![port]))
    }

    /// Waits until every store writes, reads and deletes.
    pub(super) fn wait_until_ready(&self, state: &State) -> Outcome {
        for (name, port, arguments) in [
            (SEAWEEDFS, self.ports.seaweedfs[0], vec!["s3", BUCKET, KEY, SECRET]),
            (SHIM, self.ports.shim, vec!["gcs", BUCKET]),
            (RCLONE, self.ports.rclone, vec!["s3", BUCKET, KEY, SECRET]),
        ] {
            let mut answer = "nothing listens on its port".to_owned();
            let mut dead = None;
            let ready = clock::wait_until(READY_WAIT, || {
                dead = state
                    .servers
                    .iter()
                    .find(|server| !running::lives(server))
                    .map(|server| server.name.clone());
                dead.is_some() || accepts(port) && self.answers(port, &arguments, &mut answer)
            });
            if let Some(dead) = dead {
                return Err(self.ended(&dead));
            }
            if !ready {
                let waited = READY_WAIT.as_secs();
                return Err(format!("{name} is not ready after {waited} s: {answer}\n{}", self.said(name)));
            }
        }
        Ok(())
    }

    /// Whether the store did what the readiness script asked of it; what it said otherwise.
    fn answers(&self, port: u16, arguments: &[&str], answer: &mut String) -> bool {
        let [kind, rest @ ..] = arguments else { return false };
        let mut command = Command::new(&self.tools.python);
        command.arg(self.tools.support.join("ready.py")).args([kind, url(port).as_str()]).args(rest);
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => true,
            Ok(output) => {
                *answer = tail(&String::from_utf8_lossy(&output.stderr), 3);
                false
            }
            Err(error) => {
                *answer = format!("cannot run {}: {error}", self.tools.python.display());
                false
            }
        }
    }

    /// Whether a server gave up because somebody else has its port.
    pub(super) fn names_a_taken_port(&self) -> bool {
        NAMES.iter().any(|name| {
            let log = fs::read_to_string(self.folder.log(name)).unwrap_or_default();
            log.to_ascii_lowercase().contains("address already in use")
        })
    }

    /// What tests are told.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let variable = |name: &str, value: &str| (format!("DATASHARD_TEST_{name}"), value.to_owned());
        vec![
            variable("S3", &url(self.ports.seaweedfs[0])),
            variable("S3_BUCKET", BUCKET),
            variable("S3_KEY", KEY),
            variable("S3_SECRET", SECRET),
            variable("GCS", &url(self.ports.shim)),
            variable("GCS_BUCKET", BUCKET),
            variable("IGNORES_CONDITIONS", &url(self.ports.rclone)),
            variable("IGNORES_CONDITIONS_BUCKET", BUCKET),
            variable("IGNORES_CONDITIONS_KEY", KEY),
            variable("IGNORES_CONDITIONS_SECRET", SECRET),
        ]
    }

    fn ended(&self, name: &str) -> String {
        format!("{name} ended by itself\n{}", self.said(name))
    }

    /// The end of a server's log, under its place.
    fn said(&self, name: &str) -> String {
        let log = self.folder.log(name);
        let text =
            fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        format!("the end of {}:\n{}", log.display(), tail(&text, 20))
    }
}

/// Removes the sockets that SeaweedFS leaves behind, also when it ends in order.
pub(super) fn remove_sockets(server: &Server) {
    if server.name != SEAWEEDFS {
        return;
    }
    for entry in fs::read_dir(SOCKETS).into_iter().flatten().flatten() {
        if is_socket_of(&entry.file_name().to_string_lossy(), &server.ports) {
            // A socket without a server harms nobody.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// `seaweedfs-filer-grpc-21003.sock` for one of the ports.
fn is_socket_of(name: &str, ports: &[u16]) -> bool {
    let port = name
        .strip_prefix("seaweedfs-")
        .and_then(|rest| rest.strip_suffix(".sock"))
        .and_then(|rest| rest.rsplit('-').next())
        .and_then(|port| port.parse().ok());
    port.is_some_and(|port| ports.contains(&port))
}

fn accepts(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), CONNECT_WAIT).is_ok()
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn only_sockets_on_own_ports_are_removed() {
        let ports = [11_000, 21_000];
        assert!(is_socket_of("seaweedfs-s3-11000.sock", &ports));
        assert!(is_socket_of("seaweedfs-filer-grpc-21000.sock", &ports));
        for other in [
            "seaweedfs-s3-11001.sock",
            "seaweedfs-s3-.sock",
            "weed-11000.sock",
            "seaweedfs-s3-11000",
            "seaweedfs-.sock",
        ] {
            assert!(!is_socket_of(other, &ports), "{other}");
        }
    }

    fn with_plan(check: impl Fn(&Plan<'_>)) {
        let folder = Folder(PathBuf::from("stores"));
        let path = |name: &str| PathBuf::from(name);
        let tools = Tools {
            python: path("python3"),
            weed: path("weed"),
            fake_gcs: path("fake-gcs-server"),
            rclone: path("rclone"),
            support: path("support"),
        };
        check(&Plan {
            folder: &folder,
            tools: &tools,
            ports: Ports { seaweedfs: [1, 2, 3, 4, 5], fake_gcs: 6, shim: 7, rclone: 8 },
        });
    }

    #[test]
    fn tests_are_told_the_fixed_names() {
        with_plan(|plan| {
            let names: Vec<String> = plan.variables().into_iter().map(|(name, _)| name).collect();
            let told: Vec<&str> =
                names.iter().filter_map(|name| name.strip_prefix("DATASHARD_TEST_")).collect();
            let ignores = |suffix: &str| format!("IGNORES_CONDITIONS{suffix}");
            let mut expect =
                ["S3", "S3_BUCKET", "S3_KEY", "S3_SECRET", "GCS", "GCS_BUCKET"].map(str::to_owned).to_vec();
            expect.extend(["", "_BUCKET", "_KEY", "_SECRET"].map(ignores));
            assert_eq!(told, expect);
        });
    }

    #[test]
    fn every_server_is_bound_to_loopback_and_tells_nobody() {
        with_plan(|plan| {
            let shown = |command: &Command| crate::process::shown(command);
            let (weed, ports) = plan.seaweedfs();
            let weed = shown(&weed);
            assert!(
                weed.contains("-ip.bind=127.0.0.1") && weed.contains("-master.telemetry=false"),
                "{weed}"
            );
            assert!(weed.contains("-filer.port=4 -filer.port.grpc=10004"), "{weed}");
            assert_eq!(ports.len(), 10);
            assert!(shown(&plan.fake_gcs().0).contains("-host 127.0.0.1 -port 6"));
            assert!(shown(&plan.shim().0).contains("--port 7 --upstream http://127.0.0.1:6"));
        });
    }
}
