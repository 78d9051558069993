//! The programs that the recipe calls.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// One call of a program, with the same clock, language and time zone everywhere.
pub struct Tool {
    command: Command,
    name: String,
}

impl Tool {
    /// A call of the program `name`.
    pub fn new(name: &str) -> Tool {
        let mut command = Command::new(name);
        command.env("TZ", "UTC").env("LC_ALL", "C").env("E2FSPROGS_FAKE_TIME", TIME.to_string());
        command.env("PATH", path());
        Tool { command, name: name.to_owned() }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Tool {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Tool {
        self.command.args(args);
        self
    }

    /// Runs it in a folder.
    pub fn within(mut self, folder: &Path) -> Tool {
        self.command.current_dir(folder);
        self
    }

    /// Runs it.
    ///
    /// # Errors
    /// It cannot be started, or says that it failed; with what it wrote.
    pub fn run(self) -> Result<()> {
        self.pipe(&[]).map(|_| ())
    }

    /// Runs it and takes what it writes.
    ///
    /// # Errors
    /// As [`Tool::run`]; what it writes is no text.
    pub fn read(self) -> Result<String> {
        Ok(String::from_utf8(self.pipe(&[])?)?)
    }

    /// Runs it and takes what it says beside its output.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn pipe_error(mut self) -> Result<String> {
        let output = self.command.output().with_context(|| format!("cannot start {}", self.name))?;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs it on `input` and takes what it writes.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub fn pipe(mut self, input: &[u8]) -> Result<Vec<u8>> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().with_context(|| format!("cannot start {}", self.name))?;
        // The programs that are given something read all of it before they write more than a pipe holds.
        child.stdin.take().context("no pipe")?.write_all(input)?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // debugfs ends well whatever happened; it says its name first.
        let failed = self.name == "debugfs" && 1 < said.lines().count();
        if !output.status.success() || failed {
            let wrote = String::from_utf8_lossy(&output.stdout);
            bail!("{} failed: {}{}", self.name, said.trim(), wrote.chars().take(2000).collect::<String>());
        }
        Ok(output.stdout)
    }
}

/// SHA-256.
///
/// # Errors
/// As [`Tool::run`].
pub fn sha256(bytes: &[u8]) -> Result<Vec<u8>> {
    Tool::new("openssl").args(["dgst", "-sha256", "-binary"]).pipe(bytes)
}

/// Checks that every program is there, before an hour is lost.
///
/// # Errors
/// Names all that are missing, with the Debian package of each.
pub fn require_all() -> Result<()> {
    let path = path();
    let there = |name: &str| std::env::split_paths(&path).any(|it| it.join(name).is_file());
    let missing: Vec<String> = TOOLS
        .iter()
        .filter(|it| !there(it.0))
        .map(|(name, package)| format!("{name} (Debian package {package})"))
        .collect();
    if !missing.is_empty() {
        bail!("not found: {}", missing.join(", "));
    }
    Ok(())
}

/// 2021-08-05 00:00:00 UTC, the day of the phone's patch level: the time of every file.
pub const TIME: u64 = 1_628_121_600;

const TOOLS: &[(&str, &str)] = &[
    ("aapt", "aapt"),
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("apksigner", "apksigner"),
    ("certtool", "gnutls-bin"),
    ("checkpolicy", "checkpolicy"),
    ("cpio", "cpio"),
    ("debugfs", "e2fsprogs"),
    ("img2simg", "android-sdk-libsparse-utils"),
    ("java", "default-jre-headless"),
    ("javac", "default-jdk-headless"),
    ("lz4", "lz4"),
    ("mkbootimg", "mkbootimg"),
    ("mke2fs", "e2fsprogs"),
    ("mkfs.erofs", "erofs-utils"),
    ("openssl", "openssl"),
    ("unzip", "unzip"),
    ("zip", "zip"),
    ("zipalign", "zipalign"),
];

/// The search path, with the folders in which Debian keeps the tools of file systems.
fn path() -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}
