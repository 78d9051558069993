//! From a native method of Java to the function that implements it, in the libraries that belong to an app.

use model::ArtifactId;
use model::fact::native::JniMethod;

use crate::code::Unit;
use crate::walk::Found;

/// What the libraries of an app offer to Java.
pub struct Implementations {
    libraries: Vec<(ArtifactId, Vec<JniMethod>)>,
}

impl Implementations {
    /// Reads the libraries in an app, and those in the folder `lib` beside it. What cannot be read offers nothing here; it
    /// is a gap of `check`.
    pub fn of(found: &Found, unit: &Unit) -> Implementations {
        let app = found.tree.artifact(unit.artifact);
        // The code of an app may lie in `oat/arm64` below the app's folder.
        let folder = app.name.split_once("/oat/").or_else(|| app.name.rsplit_once('/')).map(|it| it.0);
        let beside = folder.map(|it| format!("{it}/lib/"));
        let belongs = |id: ArtifactId| {
            let library = found.tree.artifact(id);
            found.tree.ancestors(id).any(|it| it.id == unit.artifact)
                || (library.parent == app.parent && beside.as_ref().is_some_and(|it| library.name.starts_with(it)))
        };
        let files = found.facts.elfs.iter().filter(|it| !it.value.is_compiled_bytecode() && belongs(it.at.artifact));
        let libraries = files.filter_map(|row| {
            let bytes = found.tree.artifact(row.at.artifact).blob.bytes("bytes of a library", FILE_MAX).ok()?;
            Some((row.at.artifact, native::analyse(&bytes).ok()?.native.jni))
        });
        Implementations { libraries: libraries.collect() }
    }

    /// The functions for a method of a class (`a.b.C`), with its descriptor. A table names no class: it counts where method
    /// and descriptor are the same.
    pub fn find(&self, class: &str, method: &str, descriptor: &str) -> Vec<(ArtifactId, &JniMethod)> {
        let is_it = |it: &&JniMethod| {
            let fits = match (&it.class, &it.descriptor) {
                (Some(own), None) => own == class,
                // Its exported name tells the arguments alone.
                (Some(own), Some(arguments)) => own == class && descriptor.starts_with(arguments.as_str()),
                (None, own) => own.as_deref() == Some(descriptor),
            };
            fits && it.method == method
        };
        let all = self.libraries.iter().flat_map(|(id, methods)| methods.iter().filter(is_it).map(move |it| (*id, it)));
        all.collect()
    }
}

/// The largest libraries (a browser engine) have 200 MiB.
const FILE_MAX: u64 = 256 << 20;
