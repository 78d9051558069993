//! The apps: manifest and resources by `aapt`, code by `javac` and `d8`, signed by `apksigner`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files::{self, Tree};
use super::keys::{Keys, TEST_KEY};
use super::tools::Tool;
use super::{Options, Phone, root};

/// What is needed to make the apps of one phone.
pub struct Apps<'a> {
    /// Where tools lie that Debian has not.
    pub options: &'a Options,
    /// Keys.
    pub keys: &'a Keys,
    /// Which phone.
    pub phone: Phone,
    /// A folder of its own.
    pub work: PathBuf,
    /// Where Java's own classes are.
    pub java_home: String,
}

/// A folder of `apps`, where the phone has it, and who signs it.
struct App {
    name: &'static str,
    path: &'static str,
    signer: &'static str,
}

const fn app(name: &'static str, path: &'static str, signer: &'static str) -> App {
    App { name, path, signer }
}

const ORDINARY: &[App] = &[
    app("framework-res", "/system/framework/framework-res.apk", "platform"),
    app("Settings", "/system/priv-app/Settings/Settings.apk", "platform"),
    app("TeleService", "/system/priv-app/TeleService/TeleService.apk", "platform"),
    app("SystemUI", "/system/priv-app/SystemUI/SystemUI.apk", "platform"),
    app("EngineeringMode", "/system/app/EngineeringMode/EngineeringMode.apk", "platform"),
    app("SystemOperator", "/system/app/SystemOperator/SystemOperator.apk", "platform"),
    app("PackageInstaller", "/system/priv-app/PackageInstaller/PackageInstaller.apk", "platform"),
    app("ContactsProvider", "/system/priv-app/ContactsProvider/ContactsProvider.apk", "release"),
    app("CtsShim", "/system/app/CtsShimPrebuilt/CtsShimPrebuilt.apk", TEST_KEY),
    app("Updater", "/product/priv-app/Updater/Updater.apk", "platform"),
    app("Launcher", "/product/priv-app/Launcher/Launcher.apk", "release"),
    app("Messages", "/product/app/Messages/Messages.apk", "release"),
    app("Calculator", "/product/app/Calculator/Calculator.apk", "release"),
    app("LarkspurTheme", "/product/overlay/LarkspurTheme.apk", "release"),
];

const PLANTS: &[App] = &[
    app("FieldTest", "/system/priv-app/FieldTest/FieldTest.apk", TEST_KEY),
    app("SystemHelper", "/system/priv-app/SystemHelper/SystemHelper.apk", "platform"),
    app("WifiService", "/system/app/WifiService/WifiService.apk", "platform"),
    app("EngineeringMode", "/system/app/EngineeringMode/EngineeringMode.apk", "platform"),
    app("SystemOperator", "/system/app/SystemOperator/SystemOperator.apk", "platform"),
    app("Calibration", "/system/etc/wifi/cal.bin", "partner"),
    app("Updater", "/product/priv-app/Updater/Updater.apk", "platform"),
    app("Provision", "/product/priv-app/Provision/Provision.apk", "release"),
    app("SyncAgent", "/product/priv-app/SyncAgent/SyncAgent.apk", "partner"),
    app("Notes", "/product/app/Notes/Notes.apk", "debug"),
    app("Weather", MALFORMED, "release"),
    app("CameraTest", "/vendor/app/CameraTest/CameraTest.apk", "release"),
    app("VendorTools", "/vendor/app/VendorTools/VendorTools.apk", "partner"),
];

/// The app whose headers lie.
const MALFORMED: &str = "/product/app/Weather/Weather.apk";

impl Apps<'_> {
    /// Makes all of them, and the library of the boot class path.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub fn make(&self, tree: &mut Tree) -> Result<()> {
        let source = root().join("demo/src");
        let stubs = self.work.join("stubs");
        self.compile(&source.join("stubs"), &stubs, None)?;

        let library = self.work.join("framework");
        self.compile(&source.join("phone/framework/java"), &library.join("classes"), Some(&stubs))?;
        self.dex(&library.join("classes"), &library, &stubs)?;
        files::zip(&library, &library.join("framework.jar"), &["classes.dex"], "")?;
        tree.add("/system/framework/framework.jar", files::read(&library.join("framework.jar"))?);

        self.make_list(ORDINARY, &source.join("phone/apps"), "a", &stubs, tree)?;
        if self.phone == Phone::B {
            self.make_list(PLANTS, &source.join("plants/apps"), "b", &stubs, tree)?;
        }
        Ok(())
    }

    fn make_list(&self, list: &[App], source: &Path, kind: &str, stubs: &Path, tree: &mut Tree) -> Result<()> {
        for app in list.iter().filter(|it| self.keys.has(it.signer)) {
            let work = self.work.join(kind).join(app.name);
            let apk = self.make_one(app, &source.join(app.name), &work, stubs).with_context(|| app.name)?;
            tree.add(app.path, apk);
        }
        Ok(())
    }

    fn make_one(&self, app: &App, source: &Path, work: &Path, stubs: &Path) -> Result<Vec<u8>> {
        let content = work.join("content");
        fs::create_dir_all(&content)?;
        let base = work.join("base.apk");
        let mut aapt =
            Tool::new("aapt").args(["package", "-f", "-F"]).arg(&base).arg("-I").arg(&self.options.framework);
        aapt = aapt.arg("-M").arg(source.join("AndroidManifest.xml"));
        if source.join("res").is_dir() {
            aapt = aapt.arg("-S").arg(source.join("res"));
        }
        aapt.run()?;
        Tool::new("unzip").args(["-q", "-o"]).arg(&base).arg("-d").arg(&content).run()?;
        let mut names = vec!["AndroidManifest.xml"];
        if source.join("java").is_dir() {
            self.compile(&source.join("java"), &work.join("classes"), Some(stubs))?;
            self.dex(&work.join("classes"), &content, stubs)?;
            names.push("classes.dex");
        }
        if content.join("resources.arsc").is_file() {
            names.push("resources.arsc");
        }
        let stored = if app.path == MALFORMED { ".arsc:.xml" } else { ".arsc" };
        files::zip(&content, &work.join("unaligned.apk"), &names, stored)?;
        let (aligned, signed) = (work.join("aligned.apk"), work.join("signed.apk"));
        Tool::new("zipalign").args(["-f", "4"]).arg(work.join("unaligned.apk")).arg(&aligned).run()?;
        Tool::new("apksigner")
            .args(["sign", "--min-sdk-version", "30", "--key"])
            .arg(self.keys.pk8(app.signer))
            .arg("--cert")
            .arg(self.keys.certificate(app.signer))
            .arg("--out")
            .arg(&signed)
            .arg(&aligned)
            .run()?;
        let mut apk = files::read(&signed)?;
        if app.path == MALFORMED {
            malform(&mut apk)?;
        }
        Ok(apk)
    }

    fn compile(&self, source: &Path, classes: &Path, stubs: Option<&Path>) -> Result<()> {
        fs::create_dir_all(classes)?;
        let mut sources = Tree::default();
        sources.lay(source, "")?;
        let files = sources.entries.keys().filter(|it| it.ends_with(".java")).map(|it| source.join(&it[1..]));
        let mut javac = Tool::new("javac").args(["--release", "8", "-nowarn", "-Xlint:-options", "-d"]).arg(classes);
        if let Some(stubs) = stubs {
            javac = javac.arg("-cp").arg(stubs);
        }
        javac.args(files).run()
    }

    fn dex(&self, classes: &Path, out: &Path, stubs: &Path) -> Result<()> {
        let mut tree = Tree::default();
        tree.lay(classes, "")?;
        Tool::new("java")
            .arg("-cp")
            .arg(&self.options.d8)
            .args(["com.android.tools.r8.D8", "--release", "--min-api", "30", "--lib", &self.java_home, "--classpath"])
            .arg(stubs)
            .arg("--output")
            .arg(out)
            .args(tree.entries.keys().map(|it| classes.join(&it[1..])))
            .run()
    }
}

/// Where the Java that runs keeps its classes.
///
/// # Errors
/// As [`Tool::run`].
pub fn java_home() -> Result<String> {
    let said = Tool::new("java").args(["-XshowSettings:properties", "-version"]).pipe_error()?;
    let home = said.lines().find_map(|it| it.trim().strip_prefix("java.home = "));
    Ok(home.context("java tells no java.home")?.to_owned())
}

/// Makes headers lie where a phone does not look: `classes.dex` says that it is encrypted, and the stored manifest names a
/// compression method that does not exist. Sizes and places stay, so the signature is still found; what it covers is not
/// the same any more, which a phone does not verify for apps of its system partitions.
fn malform(apk: &mut [u8]) -> Result<()> {
    let word = |apk: &[u8], at: usize| usize::from(u16::from_le_bytes([apk[at], apk[at + 1]]));
    let long = |apk: &[u8], at: usize| word(apk, at) | word(apk, at + 2) << 16;
    let end = apk.windows(4).rposition(|it| it == b"PK\x05\x06").context("no end of central directory")?;
    let (n_entries, mut at) = (word(apk, end + 10), long(apk, end + 16));
    for _ in 0..n_entries {
        let name_len = word(apk, at + 28);
        let local = long(apk, at + 42);
        match &apk[at + 46..at + 46 + name_len] {
            b"classes.dex" => {
                apk[at + 8] |= 1;
                apk[local + 6] |= 1;
            }
            b"AndroidManifest.xml" => {
                apk[at + 10..at + 12].copy_from_slice(&NO_METHOD.to_le_bytes());
                apk[local + 8..local + 10].copy_from_slice(&NO_METHOD.to_le_bytes());
            }
            _ => {}
        }
        at += 46 + name_len + word(apk, at + 30) + word(apk, at + 32);
    }
    Ok(())
}

const NO_METHOD: u16 = 0x5a5a;
