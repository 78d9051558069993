//! The code of a unit as `compare` holds it beside another: in its normal form, hashed.

use compare::code::{Class, Code, Form, Hash, Method};
use dalvik::{Normal, Normaliser, Own, Program};
use formats::Resources;
use model::ArtifactId;
use phone::Phone;
use sha2::{Digest, Sha256};

use crate::code::{self, Unit};

/// The code of a unit in its normal form; none where a file of it could not be read whole, or the reader broke down.
pub fn code_of(phone: &Phone, unit: &compare::Unit) -> Option<Code> {
    let work = || {
        let unit = Unit { artifact: unit.artifact, app: None, folder: None, plugin: false, files: unit.files.clone() };
        let (dexes, gaps) = code::open(&phone.tree, &unit);
        if dexes.is_empty() || !gaps.is_empty() {
            return None;
        }
        let program = Program::new(dexes.into_iter().map(|it| it.0));
        Some(normalised(&program, resources_of(phone, unit.artifact).as_ref()))
    };
    // A panic is a bug; the unit is not compared then, which is told.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok().flatten()
}

fn normalised(program: &Program, resources: Option<&Resources>) -> Code {
    let name_of = |id: u32| resources.and_then(|it| it.name(id));
    let mut normaliser = Normaliser::new(program, &name_of);
    let mut code = Code::default();
    let mut normal = Normal::default();
    for class in &program.classes {
        let name = code.symbol(program.names.text(class.name));
        let head = normaliser.class(class, &mut normal).map(|()| form_of(program, &normal, &mut code));
        let mut methods = Vec::with_capacity(class.methods.len());
        for method in class.methods.iter().filter_map(|it| program.method(*it)) {
            let name = code.symbol(&program.title(method.reference));
            let Some(()) = normaliser.method(method, &mut normal) else {
                code.n_unread += 1;
                continue;
            };
            let body = (method.code_off != 0).then(|| form_of(program, &normal, &mut code));
            methods.push(Method { name, flags: method.access_flags, body });
        }
        let Some(head) = head else {
            code.n_unread += 1;
            continue;
        };
        code.classes.push(Class { name, head, methods });
    }
    code
}

fn form_of(program: &Program, normal: &Normal, code: &mut Code) -> Form {
    let digest: [u8; 32] = Sha256::digest(&normal.bytes).into();
    let mut hash = Hash::default();
    hash.copy_from_slice(&digest[..16]);
    let own = normal.own.iter().map(|it| match it {
        Own::Class(name) => code.symbol(program.names.text(*name)),
        Own::Method(id) => code.symbol(&program.title(*id)),
        Own::Field(field) => {
            let text = |name| program.names.text(name);
            code.symbol(&format!("{}->{}:{}", text(field.class), text(field.name), text(field.ty)))
        }
    });
    Form { hash, own: own.collect() }
}

/// The compiled resources of an app.
fn resources_of(phone: &Phone, app: ArtifactId) -> Option<Resources> {
    let rest = phone.tree.iter().skip(app.0 as usize);
    let table = rest.into_iter().find(|it| it.parent == Some(app) && it.raw_name == b"resources.arsc")?;
    Some(Resources::read(&table.blob))
}
