//! Keys that anyone can make again: each is derived from its name, so that no private key has to be kept and the recipe
//! gives the same bytes every time. They protect nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files;
use super::tools::Tool;

/// All keys, as files in one folder.
pub struct Keys {
    folder: PathBuf,
    test_keys: Option<PathBuf>,
}

impl Keys {
    /// Derives every key and makes its certificate.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub fn make(folder: &Path, test_keys: Option<&Path>) -> Result<Keys> {
        fs::create_dir_all(folder)?;
        let keys = Keys { folder: folder.to_owned(), test_keys: test_keys.map(Path::to_owned) };
        for (n, (name, subject)) in KEYS.iter().enumerate() {
            keys.derive(name)?;
            let template = folder.join(format!("{name}.template"));
            let authority = if *name == "interception" { "ca\ncert_signing_key\n" } else { "" };
            let text = format!(
                "{subject}\nserial = {}\nactivation_date = \"2020-01-01 00:00:00 UTC\"\n\
                 expiration_date = \"2050-01-01 00:00:00 UTC\"\n{authority}",
                n + 1
            );
            fs::write(&template, text)?;
            Tool::new("certtool")
                .args(["--generate-self-signed", "--hash", "SHA256", "--no-text", "--load-privkey"])
                .arg(keys.private(name))
                .arg("--template")
                .arg(&template)
                .arg("--outfile")
                .arg(keys.certificate(name))
                .run()?;
            Tool::new("openssl")
                .args(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in"])
                .arg(keys.private(name))
                .arg("-out")
                .arg(keys.pk8(name))
                .run()?;
        }
        Ok(keys)
    }

    /// The private key as PEM.
    pub fn private(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    /// The certificate as PEM.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.folder_of(name).join(format!("{name}.x509.pem"))
    }

    /// The private key as PKCS #8, as the signer of apps wants it.
    pub fn pk8(&self, name: &str) -> PathBuf {
        self.folder_of(name).join(format!("{name}.pk8"))
    }

    /// The certificate's bytes.
    ///
    /// # Errors
    /// As [`Tool::run`].
    pub fn certificate_der(&self, name: &str) -> Result<Vec<u8>> {
        let pem = files::read(&self.certificate(name))?;
        Tool::new("openssl").args(["x509", "-outform", "DER"]).pipe(&pem)
    }

    /// Whether this key can be had.
    pub fn has(&self, name: &str) -> bool {
        name != TEST_KEY || self.test_keys.is_some()
    }

    fn folder_of(&self, name: &str) -> &Path {
        self.test_keys.as_deref().filter(|_| name == TEST_KEY).unwrap_or(&self.folder)
    }

    /// FIPS 186-4 B.3.2: primes that follow from a seed, here the name, filled up to the 28 bytes that 2048 bits want.
    fn derive(&self, name: &str) -> Result<()> {
        let seed = files::hex(format!("postern demo {name:.<15}").as_bytes());
        let file = self.private(name);
        Tool::new("certtool")
            .args(["--generate-privkey", "--provable", "--key-type=rsa", "--bits=2048", "--no-text", "--seed", &seed])
            .arg("--outfile")
            .arg(&file)
            .run()
            .with_context(|| format!("key {name}"))?;
        // What stands behind the key tells how it was derived; only the key is wanted.
        let text = fs::read_to_string(&file)?;
        let end = text.find(END).map_or(text.len(), |it| it + END.len());
        Ok(fs::write(&file, format!("{}\n", &text[..end]))?)
    }
}

/// AOSP's published key; its private half is not in this repository.
pub const TEST_KEY: &str = "testkey";

const END: &str = "-----END PRIVATE KEY-----";

/// Names and subjects, in the words of certtool.
const KEYS: &[(&str, &str)] = &[
    ("platform", "cn = \"Larkspur platform\"\norganization = \"Larkspur (demo)\""),
    ("release", "cn = \"Larkspur apps\"\norganization = \"Larkspur (demo)\""),
    ("ota", "cn = \"Larkspur updates\"\norganization = \"Larkspur (demo)\""),
    ("avb", "cn = \"Larkspur verified boot\"\norganization = \"Larkspur (demo)\""),
    ("partner", "cn = \"Partner tools\"\norganization = \"Partner (demo)\""),
    ("partner-ota", "cn = \"Partner updates\"\norganization = \"Partner (demo)\""),
    ("debug", "dn = \"C=US,O=Android,CN=Android Debug\""),
    ("interception", "cn = \"Demo Interception CA\"\norganization = \"Interception (demo)\""),
    ("adb", "cn = \"adb\""),
];
