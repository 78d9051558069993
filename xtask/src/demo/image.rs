//! Programs, policy, file systems and the boot image.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Phone;
use super::files::{self, Tree, mode_of};
use super::tools::{TIME, Tool};

/// Adds the native programs, and the library that they need.
///
/// # Errors
/// As [`Tool::run`].
pub fn add_programs(source: &Path, phone: Phone, work: &Path, tree: &mut Tree) -> Result<()> {
    fs::create_dir_all(work)?;
    let ordinary = source.join("phone/native");
    let library = work.join("libc.so");
    compiler(&ordinary)
        .args(["-w", "-fPIC", "-shared", "-Wl,-soname,libc.so", "-o"])
        .arg(&library)
        .arg(ordinary.join("libc.c"))
        .run()?;
    tree.add("/system/lib64/libc.so", files::read(&library)?);
    let mut add = |folder: &Path, path: &str| -> Result<()> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let program = work.join(name);
        compiler(&ordinary)
            .args(["-Wall", "-fPIE", "-pie", "-nostartfiles", "-Wl,--dynamic-linker=/system/bin/linker64", "-o"])
            .arg(&program)
            .arg(ordinary.join("start.c"))
            .arg(folder.join(format!("{name}.c")))
            .arg(&library)
            .run()?;
        tree.add(path, files::read(&program)?);
        Ok(())
    };
    for path in ORDINARY {
        add(&ordinary, path)?;
    }
    if phone == Phone::B {
        let plants = source.join("plants/native");
        for path in PLANTS {
            add(&plants, path)?;
        }
    }
    Ok(())
}

const ORDINARY: &[&str] = &[
    "/system/bin/init",
    "/system/bin/sh",
    "/system/bin/servicemanager",
    "/system/bin/sync_agent",
    "/vendor/bin/thermald",
    "/ramdisk/init",
];

/// The last one lies over its ordinary namesake.
const PLANTS: &[&str] =
    &["/system/xbin/su", "/vendor/bin/netdiag", "/vendor/bin/remoted", "/vendor/bin/flashd", "/system/bin/sync_agent"];

fn compiler(headers: &Path) -> Tool {
    Tool::new("aarch64-linux-gnu-gcc")
        .args([
            "-O1",
            "-ffreestanding",
            "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables",
            "-fno-ident",
            "-nostdlib",
        ])
        .args(["-Wl,--build-id=none", "-Wl,-z,max-page-size=4096", "-Wl,-s", "-I"])
        .arg(headers)
}

/// Compiles the SELinux policy.
///
/// # Errors
/// As [`Tool::run`].
pub fn add_policy(source: &Path, phone: Phone, work: &Path, tree: &mut Tree) -> Result<()> {
    let mut parts = vec!["phone/policy/head.conf", "phone/policy/rules.te", "phone/policy/tail.conf"];
    if phone == Phone::B {
        parts.insert(2, "plants/policy/rules.te");
    }
    let mut text = String::new();
    for part in parts {
        text.push_str(&fs::read_to_string(source.join(part))?);
    }
    let (policy, binary) = (work.join("policy.conf"), work.join("precompiled_sepolicy"));
    fs::write(&policy, text)?;
    Tool::new("checkpolicy").args(["-M", "-c", "30", "-o"]).arg(&binary).arg(&policy).run()?;
    tree.add("/vendor/etc/selinux/precompiled_sepolicy", files::read(&binary)?);
    Ok(())
}

/// An EROFS image, compressed, with SELinux labels.
///
/// # Errors
/// As [`Tool::run`].
pub fn erofs(work: &Path, name: &str, tree: &Tree, contexts: &str) -> Result<PathBuf> {
    let (folder, image, labels) =
        (work.join(name), work.join(format!("{name}.erofs")), work.join(format!("{name}.contexts")));
    tree.write(&folder)?;
    fs::write(&labels, contexts)?;
    Tool::new("mkfs.erofs")
        .args(["-zlz4hc", "--all-root", "-T"])
        .arg(TIME.to_string())
        .args(["-U", UUID])
        .arg(format!("--file-contexts={}", labels.display()))
        .arg(&image)
        .arg(&folder)
        .run()?;
    Ok(image)
}

/// An ext4 image, filled entry by entry in the order of names, so that neither the folder's order nor its owner shows.
///
/// # Errors
/// As [`Tool::run`].
pub fn ext4(work: &Path, name: &str, tree: &Tree) -> Result<PathBuf> {
    let (folder, image) = (work.join(name), work.join(format!("{name}.ext4")));
    tree.write(&folder)?;
    Tool::new("mke2fs")
        .args(["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-N", "128", "-m", "0"])
        .args(["-O", "^has_journal,^resize_inode,^64bit", "-U", UUID, "-E"])
        .arg(format!("hash_seed={UUID},root_owner=0:0,lazy_itable_init=0"))
        .args(["-L", name])
        .arg(&image)
        .arg("512k")
        .run()?;
    let label = work.join("label");
    fs::write(&label, b"u:object_r:vendor_file:s0\0")?;
    let capabilities = work.join("capabilities");
    fs::write(&capabilities, CAPABILITIES.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<u8>>())?;
    let mut script = String::new();
    for path in tree.folders() {
        writeln!(script, "mkdir {path}")?;
        settle(&mut script, &path, 0o040_755, &label)?;
    }
    for path in tree.entries.keys() {
        let (parent, file) = path.rsplit_once('/').unwrap_or_default();
        writeln!(script, "cd {}/\nwrite {} {file}\ncd /", parent, folder.join(&path[1..]).display())?;
        settle(&mut script, path, 0o100_000 | mode_of(path), &label)?;
        if path == "/bin/netdiag" {
            writeln!(script, "ea_set -f {} {path} security.capability", capabilities.display())?;
        }
    }
    for path in ["/", "/lost+found"] {
        set_times(&mut script, path)?;
    }
    let commands = work.join(format!("{name}.debugfs"));
    fs::write(&commands, script)?;
    Tool::new("debugfs").arg("-w").arg("-f").arg(&commands).arg(&image).run()?;
    Ok(image)
}

fn settle(script: &mut String, path: &str, mode: u32, label: &Path) -> Result<()> {
    writeln!(script, "sif {path} mode 0{mode:o}\nsif {path} uid 0\nsif {path} gid 0")?;
    writeln!(script, "ea_set -f {} {path} security.selinux", label.display())?;
    set_times(script, path)
}

fn set_times(script: &mut String, path: &str) -> Result<()> {
    for field in ["atime", "ctime", "mtime", "crtime"] {
        writeln!(script, "sif {path} {field} @{TIME}")?;
    }
    Ok(())
}

/// A boot image without a kernel.
///
/// # Errors
/// As [`Tool::run`].
pub fn boot(work: &Path, source: &Path, ramdisk: &Tree, out: &Path) -> Result<()> {
    let folder = work.join("ramdisk");
    ramdisk.write(&folder)?;
    let names: String =
        ramdisk.folders().iter().chain(ramdisk.entries.keys()).map(|it| format!("{}\n", &it[1..])).collect();
    let cpio = Tool::new("cpio")
        .args(["--quiet", "-o", "-H", "newc", "--reproducible", "-R", "0:0"])
        .within(&folder)
        .pipe(names.as_bytes())?;
    // The form that the kernel and Android use.
    let packed = Tool::new("lz4").args(["-q", "-l", "-12", "-c"]).pipe(&cpio)?;
    let (packed_file, device_tree) = (work.join("ramdisk.lz4"), work.join("dtb"));
    fs::write(&packed_file, packed)?;
    fs::write(&device_tree, DEVICE_TREE)?;
    Tool::new("mkbootimg")
        .args(["--header_version", "2", "--os_version", "11.0.0", "--os_patch_level", "2021-08-01"])
        .args(["--pagesize", "4096", "--cmdline", "androidboot.hardware=larkspur1 loop.max_part=7", "--kernel"])
        .arg(source.join("phone/kernel.txt"))
        .arg("--ramdisk")
        .arg(&packed_file)
        .arg("--dtb")
        .arg(&device_tree)
        .arg("--output")
        .arg(out)
        .run()
}

const UUID: &str = "6c61726b-7370-4572-8064-656d6f000001";

/// `vfs_cap_data` (Linux `include/uapi/linux/capability.h`), revision 2, effective: CAP_NET_RAW (13), CAP_SYS_ADMIN (21).
const CAPABILITIES: [u32; 5] = [0x0200_0001, 1 << 13 | 1 << 21, 0, 0, 0];

/// A flattened device tree with an empty root (devicetree.org, specification 0.4, chapter 5).
const DEVICE_TREE: &[u8] = &[
    0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 0x48, 0, 0, 0, 0x38, 0, 0, 0, 0x48, 0, 0, 0, 0x28, 0, 0, 0, 17, 0, 0, 0, 16, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, // header
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // no memory is reserved
    0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9, // the root begins, ends; the end
];
