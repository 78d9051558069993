//! Strings worth keeping: where a program may talk to, which files and properties it touches, which commands it runs.

use std::collections::BTreeSet;

use memchr::memmem;
use model::fact::elf::Elf;

use crate::Reading;

use super::{File, PT_LOAD};

/// States the strings of sections that hold data; of all that is loaded where there are no sections.
pub fn state(file: &File, elf: &mut Elf, out: &mut Reading) {
    let mut kept = BTreeSet::new();
    let mut full = false;
    for (start, end) in ranges_of(file) {
        let bytes = file.range(start, end.saturating_sub(start));
        for run in bytes.split(|byte| !is_text(*byte)).filter(|it| RUN_MIN <= it.len()) {
            let Some(worth) = worth_of(run) else { continue };
            if kept.contains(worth) {
                continue;
            }
            if STRINGS_MAX <= kept.len() {
                full = true;
                break;
            }
            kept.insert(worth.to_owned());
        }
    }
    if full {
        out.gap(format!("more than {STRINGS_MAX} strings worth keeping: those from the start of the file are kept"));
    }
    elf.strings = kept.into_iter().collect();
}

/// Disjoint ranges of the file, sorted, so that no byte is looked at twice.
fn ranges_of(file: &File) -> Vec<(u64, u64)> {
    let data = file.sections.iter().filter(|it| it.kind == SHT_PROGBITS && it.flags & SHF_EXECINSTR == 0);
    let mut ranges: Vec<_> =
        data.filter(|it| it.flags & SHF_ALLOC != 0).map(|it| (it.offset, it.offset.saturating_add(it.size))).collect();
    if ranges.is_empty() {
        let loaded = file.segments.iter().filter(|it| it.kind == PT_LOAD);
        ranges = loaded.map(|it| (it.offset, it.offset.saturating_add(it.size))).collect();
    }
    if ranges.is_empty() {
        ranges.push((0, file.bytes.len() as u64));
    }
    ranges.sort_unstable();
    let mut reached = 0;
    for (start, end) in &mut ranges {
        *start = (*start).max(reached);
        reached = reached.max(*end);
    }
    ranges.retain(|(start, end)| start < end);
    ranges
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// The part of a run of text that is worth keeping.
fn worth_of(run: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(run).ok()?.trim();
    let text = text.get(..KEPT_MAX).unwrap_or(text);
    let first = *text.as_bytes().first()?;
    let keep = match first {
        b'/' => PATHS.iter().any(|it| text.starts_with(it)),
        b'a'..=b'z' => COMMANDS.iter().any(|it| text.starts_with(it)) || is_property(text) || is_host(text),
        b'0'..=b'9' => is_address(text) || is_host(text),
        // A command to a modem (3GPP TS 27.007).
        b'A' if text.starts_with("AT+") || text.starts_with("AT%") => true,
        b'$' => is_password_hash(text),
        _ => is_host(text),
    };
    (keep || is_url(text)).then_some(text)
}

/// A hash of a password as crypt(3) writes it: the method, a salt, and as many signs as the method gives.
pub fn is_password_hash(text: &str) -> bool {
    let mut parts = text.split('$').skip(1);
    let (Some(method), Some(first)) = (parts.next(), parts.next()) else { return false };
    let sign = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'/');
    let is_hash = |text: &str, len: usize| text.len() == len && text.bytes().all(sign);
    let is_salt = |text: &str| !text.is_empty() && text.len() <= 16 && text.bytes().all(sign);
    let rest: Vec<&str> = parts.collect();
    let salted = |len: usize| match rest.as_slice() {
        [hash] => is_salt(first) && is_hash(hash, len),
        [salt, hash] => first.starts_with("rounds=") && is_salt(salt) && is_hash(hash, len),
        _ => false,
    };
    match method {
        "1" => salted(22),
        "5" => salted(43),
        "6" => salted(86),
        "2a" | "2b" | "2y" => first.len() == 2 && matches!(rest.as_slice(), [hash] if is_hash(hash, 53)),
        _ => false,
    }
}

/// A scheme, `://` and something behind it.
pub fn is_url(text: &str) -> bool {
    let Some(at) = memmem::find(text.as_bytes(), b"://") else { return false };
    let scheme = text.get(..at).and_then(|it| it.as_bytes().last()).is_some_and(u8::is_ascii_lowercase);
    let rest = text.get(at..).and_then(|it| it.strip_prefix("://")).unwrap_or_default();
    scheme && rest.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'%' | b'[' | b'/'))
}

/// Names in lower case with dots, of which the first word is one that properties start with.
fn is_property(text: &str) -> bool {
    let Some((first, rest)) = text.split_once('.') else { return false };
    let fits = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-' | b'%' | b':');
    PROPERTIES.contains(&first) && !rest.is_empty() && text.len() <= PROPERTY_MAX && rest.bytes().all(fits)
}

/// A name of labels that ends in a top-level domain; short domains, which are also endings of files, need three labels.
pub fn is_host(text: &str) -> bool {
    let name = match text.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => text,
    };
    let Some((rest, domain)) = name.rsplit_once('.') else { return false };
    let n_labels = rest.split('.').count();
    let label = |it: &str| {
        !it.is_empty() && it.len() <= 63 && it.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
    };
    (DOMAINS.contains(&domain) || n_labels >= 2 && SHORT_DOMAINS.contains(&domain)) && rest.split('.').all(label)
}

/// An IPv4 address, perhaps with a port.
pub fn is_address(text: &str) -> bool {
    let host = text.split(':').next().unwrap_or_default();
    let numbers: Vec<Option<u8>> = host.split('.').map(|it| it.parse().ok()).collect();
    matches!(numbers[..], [Some(1..), Some(_), Some(_), Some(_)])
}

const SHT_PROGBITS: u32 = 1;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;

/// Shorter runs are chance.
const RUN_MIN: usize = 5;

/// Longer strings are cut: a command line is seen by its start.
const KEPT_MAX: usize = 512;

/// How many strings a file keeps: daemons have a few hundred.
const STRINGS_MAX: usize = 2000;

/// Android 8 lifted the limit of names from 32 bytes; real ones stay under this.
const PROPERTY_MAX: usize = 128;

/// Where programs, device nodes, sockets and data lie.
const PATHS: &[&str] = &[
    "/apex/",
    "/bin/",
    "/cache/",
    "/data/",
    "/dev/",
    "/etc/",
    "/mnt/",
    "/odm/",
    "/oem/",
    "/persist/",
    "/proc/",
    "/product/",
    "/sbin/",
    "/sdcard",
    "/storage/",
    "/sys/",
    "/system/",
    "/system_ext/",
    "/tmp/",
    "/vendor/",
];

/// First words of properties (AOSP `property_contexts`, and those of vendors).
const PROPERTIES: &[&str] = &[
    "bluetooth",
    "ctl",
    "dalvik",
    "debug",
    "dev",
    "dhcp",
    "gsm",
    "hw",
    "init",
    "log",
    "net",
    "persist",
    "ril",
    "ro",
    "security",
    "selinux",
    "service",
    "sys",
    "vendor",
    "vold",
    "wifi",
    "wlan",
];

/// How commands start.
const COMMANDS: &[&str] = &[
    "am broadcast",
    "am force-stop",
    "am start",
    "busybox ",
    "cat /",
    "chcon ",
    "chmod ",
    "chown ",
    "cp ",
    "curl ",
    "dd if=",
    "dd of=",
    "dumpsys ",
    "echo ",
    "getprop ",
    "input keyevent",
    "insmod ",
    "iptables ",
    "ip6tables ",
    "kill -",
    "killall ",
    "ln -s",
    "logcat ",
    "mkdir ",
    "mount -",
    "mount /",
    "mv ",
    "nc -",
    "pm disable",
    "pm grant",
    "pm install",
    "pm uninstall",
    "reboot ",
    "rm -",
    "rm /",
    "screencap ",
    "service call ",
    "setenforce ",
    "setprop ",
    "settings put",
    "sh -c",
    "sh /",
    "su -",
    "su 0",
    "su root",
    "svc ",
    "tar ",
    "telnetd",
    "toybox ",
    "umount ",
    "wget ",
];

/// Top-level domains that end no name of a file.
const DOMAINS: &[&str] = &[
    "app", "biz", "cloud", "club", "cn", "com", "dev", "hk", "info", "invalid", "jp", "kr", "mobi", "net", "onion",
    "online", "org", "ru", "shop", "site", "su", "tech", "top", "tw", "ua", "vip", "xyz",
];

/// Those that do, or that are words.
const SHORT_DOMAINS: &[&str] = &[
    "ai", "at", "au", "be", "br", "ca", "cc", "ch", "co", "cz", "de", "es", "eu", "fi", "fr", "gg", "id", "il", "in",
    "io", "ir", "it", "kz", "la", "me", "mx", "my", "nl", "pl", "pw", "sg", "th", "tk", "tr", "tv", "uk", "us", "vn",
    "ws",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_paths_properties_and_commands_are_kept() {
        let kept = [
            "http://c2.example.invalid/x",
            "update.example.com",
            "update.example.com:8080",
            "10.0.0.1:53",
            "/dev/diag",
            "/system/bin/sh",
            "ro.build.tags",
            "persist.sys.usb.config",
            "sh -c %s",
            "pm install -r %s",
            "a.b.io",
            "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        ];
        for text in kept {
            assert_eq!(worth_of(text.as_bytes()), Some(text));
        }
    }

    #[test]
    fn words_source_files_and_versions_are_not() {
        let dropped = [
            "hello world",
            "main.cc",
            "Lcom/example/A;",
            "/foo/bar",
            "0.1.2.3",
            "sys",
            "ro.",
            "std::string",
            "://",
            "$1$",
            "$1$%s$%s",
            "$5$salt$short",
            "$HOME/x",
        ];
        for text in dropped {
            assert_eq!(worth_of(text.as_bytes()), None, "{text}");
        }
    }
}
