//! Which classes there are, what is above them, and which member a name means.

use std::collections::BTreeMap;

use knowledge::models::Framework;

use super::dex::{FieldRef, MethodRef, Proto};
use super::syntax;

/// A class, of the program or outside it.
#[derive(Debug, Clone)]
pub struct Class {
    pub descriptor: String,
    pub superclass: Option<String>,
    pub interfaces: Vec<String>,
    pub is_interface: bool,
    pub fields: Vec<(FieldRef, bool)>,
    pub methods: Vec<Method>,
}

#[derive(Debug, Clone)]
pub struct Method {
    pub reference: MethodRef,
    pub is_static: bool,
    pub is_private: bool,
    pub of_interface: bool,
}

/// All classes by descriptor, and descriptors by last name.
#[derive(Debug, Clone, Default)]
pub struct Names {
    classes: BTreeMap<String, Class>,
    descriptors: BTreeMap<String, String>,
}

impl Names {
    /// The classes of Android and Java that tests use; what is above them the models know.
    pub fn outside(text: &str, framework: &Framework) -> Names {
        let mut names = Names::default();
        let classes = syntax::parse_outside(text);
        for (package, class) in &classes {
            let descriptor = format!("L{}/{};", package.replace('.', "/"), class.name);
            names.descriptors.insert(class.name.clone(), descriptor);
        }
        for (_, class) in &classes {
            let descriptor = names.descriptor(&class.name);
            let mut superclass = framework.super_of(&descriptor).map(str::to_owned);
            if !framework.has(&descriptor) {
                superclass = Some(names.descriptor(class.superclass.as_deref().unwrap_or("Object")));
            }
            let interfaces = framework.interfaces_of(&descriptor).map(str::to_owned).collect();
            let is_interface = class.kind == "interface";
            names.add_members(class, superclass, interfaces, is_interface);
        }
        names.add_between(framework);
        names
    }

    /// Classes of which tests name no member, but a class below them.
    fn add_between(&mut self, framework: &Framework) {
        let above = |it: &Class| it.superclass.iter().chain(&it.interfaces).cloned().collect::<Vec<_>>();
        let mut waiting: Vec<String> = self.classes.values().flat_map(above).collect();
        while let Some(descriptor) = waiting.pop() {
            if self.classes.contains_key(&descriptor) {
                continue;
            }
            let class = Class {
                superclass: framework.super_of(&descriptor).map(str::to_owned),
                interfaces: framework.interfaces_of(&descriptor).map(str::to_owned).collect(),
                is_interface: framework.is_interface(&descriptor),
                fields: Vec::new(),
                methods: Vec::new(),
                descriptor: descriptor.clone(),
            };
            waiting.extend(above(&class));
            self.classes.insert(descriptor, class);
        }
    }

    /// Makes the names of a program's classes known, before their members name each other.
    pub fn announce(&mut self, class: &syntax::Class) {
        self.descriptors.insert(class.name.clone(), format!("L{};", class.name));
    }

    /// Makes a class of the program known.
    pub fn add(&mut self, class: &syntax::Class) {
        let above = match class.kind.as_str() {
            "activity" => "Activity",
            "service" => "Service",
            "receiver" => "BroadcastReceiver",
            "provider" => "ContentProvider",
            "application" => "Application",
            "fragment" => "Fragment",
            _ => "Object",
        };
        let superclass = self.descriptor(class.superclass.as_deref().unwrap_or(above));
        let interfaces = class.interfaces.iter().map(|it| self.descriptor(it)).collect();
        self.add_members(class, Some(superclass), interfaces, class.kind == "interface");
    }

    fn add_members(
        &mut self,
        class: &syntax::Class,
        superclass: Option<String>,
        interfaces: Vec<String>,
        is_interface: bool,
    ) {
        let descriptor = self.descriptor(&class.name);
        let field = |it: &syntax::Field| {
            let (class, name, ty) = (descriptor.clone(), it.name.clone(), self.descriptor(&it.ty));
            (FieldRef { class, name, ty }, it.is_static)
        };
        let method = |it: &syntax::Method| Method {
            reference: MethodRef { class: descriptor.clone(), name: it.name.clone(), proto: self.proto(it) },
            is_static: it.is_static,
            is_private: it.is_private,
            of_interface: is_interface,
        };
        let (fields, methods) = (class.fields.iter().map(field).collect(), class.methods.iter().map(method).collect());
        let class = Class { descriptor: descriptor.clone(), superclass, interfaces, is_interface, fields, methods };
        self.classes.insert(descriptor, class);
    }

    /// Fields that an anonymous class has for what it uses of the method around it.
    pub fn add_fields(&mut self, descriptor: &str, fields: &[FieldRef]) {
        if let Some(class) = self.classes.get_mut(descriptor) {
            class.fields.extend(fields.iter().map(|it| (it.clone(), false)));
        }
    }

    pub fn proto(&self, method: &syntax::Method) -> Proto {
        let params = method.params.iter().map(|it| self.descriptor(&it.0)).collect();
        Proto { returns: self.descriptor(&method.returns), params }
    }

    /// `String[]` as `[Ljava/lang/String;`.
    pub fn descriptor(&self, ty: &str) -> String {
        self.find(ty).unwrap_or_else(|| panic!("no class \"{ty}\": is it missing in outside.txt?"))
    }

    pub fn find(&self, ty: &str) -> Option<String> {
        if let Some(element) = ty.strip_suffix("[]") {
            return Some(format!("[{}", self.find(element)?));
        }
        let primitive = match ty {
            "void" => "V",
            "boolean" => "Z",
            "byte" => "B",
            "short" => "S",
            "char" => "C",
            "int" => "I",
            "long" => "J",
            "float" => "F",
            "double" => "D",
            _ => return self.descriptors.get(ty).cloned(),
        };
        Some(primitive.to_owned())
    }

    pub fn class(&self, descriptor: &str) -> Option<&Class> {
        self.classes.get(descriptor)
    }

    /// A class and all above it, nearest first. Of an array it is `Object`.
    pub fn above(&self, descriptor: &str) -> Vec<&Class> {
        let mut waiting = vec![descriptor.to_owned()];
        let mut found: Vec<&Class> = Vec::new();
        let mut n = 0;
        while n < waiting.len() {
            let class = self.classes.get(&waiting[n]);
            n += 1;
            let Some(class) = class.filter(|it| found.iter().all(|done| done.descriptor != it.descriptor)) else {
                continue;
            };
            found.push(class);
            waiting.extend(class.superclass.iter().chain(&class.interfaces).cloned());
            if class.is_interface {
                waiting.push(OBJECT.to_owned());
            }
        }
        if found.is_empty() { self.classes.get(OBJECT).into_iter().collect() } else { found }
    }

    pub fn field(&self, class: &str, name: &str) -> Option<(FieldRef, bool)> {
        let mut fields = self.above(class).into_iter().flat_map(|it| &it.fields);
        fields.find(|it| it.0.name == name).cloned()
    }

    /// The method that a call with arguments of these types means: of those with as many parameters the one that fits
    /// best, and of those the nearest.
    pub fn method(&self, class: &str, name: &str, args: &[String]) -> Option<Method> {
        let mut best: Option<(usize, &Method)> = None;
        let classes = self.above(class);
        let n_classes = if name == "<init>" { 1 } else { classes.len() };
        for method in classes.into_iter().take(n_classes).flat_map(|it| &it.methods) {
            let params = &method.reference.proto.params;
            if method.reference.name != name || params.len() != args.len() {
                continue;
            }
            let Some(cost) = args.iter().zip(params).map(|(arg, param)| self.cost(arg, param)).sum::<Option<usize>>()
            else {
                continue;
            };
            if best.is_none_or(|it| cost < it.0) {
                best = Some((cost, method));
            }
        }
        best.map(|it| it.1.clone())
    }

    /// How far a type is from another that is wanted, none where it does not fit.
    fn cost(&self, arg: &str, param: &str) -> Option<usize> {
        if arg == param {
            return Some(0);
        }
        let is_small = |it: &str| matches!(it, "B" | "S" | "C" | "I" | "Z");
        match (arg, param) {
            (NULL, _) => (!is_primitive(param)).then_some(if param == OBJECT { 2 } else { 1 }),
            _ if is_small(arg) && param == "I" => Some(1),
            ("I", "B" | "S" | "C") => Some(2),
            _ if is_small(arg) && matches!(param, "J" | "F" | "D") => Some(3),
            _ if is_primitive(arg) || is_primitive(param) => None,
            (_, OBJECT) => Some(50),
            _ if arg.starts_with("[L") && param == "[Ljava/lang/Object;" => Some(50),
            _ => match self.above(arg).iter().position(|it| it.descriptor == param) {
                Some(n) => Some(n),
                // What a list gives is an `Object`, and nobody wants to read a cast.
                None => (arg == OBJECT).then_some(100),
            },
        }
    }
}

pub fn is_primitive(ty: &str) -> bool {
    ty.len() == 1 && ty != NULL
}

pub const OBJECT: &str = "Ljava/lang/Object;";
pub const TEXT: &str = "Ljava/lang/String;";

/// The type of `null`.
pub const NULL: &str = "0";
