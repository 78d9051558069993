//! What is on the phone as a CycloneDX 1.6 bill of materials (ECMA-424): apps with who signed them and what kits of others are
//! inside, programs that init starts, and the services of known companies that code names.
//!
//! A supplier is what the certificate states: organisation and country, which whoever made it could choose.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use model::Report;
use model::report::{AppLine, DaemonLine, Device, HostLine, Input, RecordLine, SdkLine};
use serde_json::{Value, json};

use crate::{Renderer, Style, escape, subject};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "sbom", title: "CycloneDX 1.6", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(&bill_of(report))?;
    writeln!(out, "{}", escape::json(&pretty))
}

fn bill_of(report: &Report) -> Value {
    let provenance = &report.provenance;
    let apps = report.apps.iter().enumerate().map(|(n, it)| app(n, it, &provenance.records));
    let daemons = report.daemons.iter().enumerate().map(|(n, it)| daemon(n, it));
    let inputs = report.input.iter().enumerate().map(|(n, it)| input(n, it));
    let mut components: Vec<Value> = apps.chain(daemons).chain(inputs).collect();
    let refs: Vec<Value> = components.iter().map(|it| it["bom-ref"].clone()).collect();
    components.extend(provenance.sdks.iter().enumerate().map(|(n, it)| kit(n, it)));
    let mut dependencies = vec![json!({ "ref": PHONE, "dependsOn": refs })];
    dependencies.extend(report.apps.iter().enumerate().filter_map(|(n, it)| needs(n, it, &provenance.sdks)));
    let mut metadata = json!({
        "tools": { "components": [
            { "type": "application", "name": report.tool.name, "version": report.tool.version },
        ] },
        "component": device(&report.device),
    });
    if let Some(date) = &report.date {
        metadata["timestamp"] = json!(format!("{date}T00:00:00Z"));
    }
    let mut bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "dependencies": dependencies,
        "components": components,
    });
    if !provenance.hosts.is_empty() {
        bill["services"] = json!(services(&provenance.hosts));
    }
    bill
}

/// A kit that apps carry along.
fn kit(n: usize, kit: &SdkLine) -> Value {
    let mut component = json!({ "bom-ref": kit_ref(n), "type": "library", "name": kit.name });
    if let Some(supplier) = organisation(&kit.company, &kit.country) {
        component["supplier"] = supplier;
    }
    properties(&mut component, &[("does", &kit.does.join(", ")), ("source", &kit.source)]);
    component
}

/// Which kits an app carries along.
fn needs(n: usize, app: &AppLine, sdks: &[SdkLine]) -> Option<Value> {
    let inside = sdks.iter().enumerate().filter(|it| it.1.found_in.contains(&app.package));
    let refs: Vec<String> = inside.map(|it| kit_ref(it.0)).collect();
    (!refs.is_empty()).then(|| json!({ "ref": app_ref(n), "dependsOn": refs }))
}

/// The hosts of each company as one service: names that code holds, and that nobody resolved or asked.
fn services(hosts: &[HostLine]) -> Vec<Value> {
    let mut companies: BTreeMap<(&str, &str), Vec<&HostLine>> = BTreeMap::new();
    hosts.iter().for_each(|it| companies.entry((&it.company, &it.country)).or_default().push(it));
    let service = |(n, ((company, country), hosts)): (usize, ((&str, &str), Vec<&HostLine>))| {
        let endpoints: Vec<&str> = hosts.iter().map(|it| it.host.as_str()).collect();
        let found_in: BTreeSet<&str> = hosts.iter().flat_map(|it| &it.found_in).map(String::as_str).collect();
        let found_in: Vec<&str> = found_in.into_iter().collect();
        let mut service = json!({ "bom-ref": format!("company-{n}"), "name": company, "endpoints": endpoints });
        if let Some(provider) = organisation(company, country) {
            service["provider"] = provider;
        }
        properties(&mut service, &[("named-in", &found_in.join(", "))]);
        service
    };
    companies.into_iter().enumerate().map(service).collect()
}

/// An organisation with its country, as far as both are known.
fn organisation(name: &str, country: &str) -> Option<Value> {
    if name.is_empty() {
        return None;
    }
    let mut organisation = json!({ "name": name });
    if !country.is_empty() {
        organisation["address"] = json!({ "country": country });
    }
    Some(organisation)
}

fn app_ref(n: usize) -> String {
    format!("app-{n}")
}

fn kit_ref(n: usize) -> String {
    format!("kit-{n}")
}

fn device(device: &Device) -> Value {
    let name = if device.model.is_empty() { "unknown device" } else { &device.model };
    let mut component = json!({ "bom-ref": PHONE, "type": "device", "name": name });
    put(&mut component, "version", &device.fingerprint);
    if !device.brand.is_empty() {
        component["manufacturer"] = json!({ "name": device.brand });
    }
    let stated =
        [("android", &device.android), ("patch-level", &device.patch_level), ("build-type", &device.build_type)];
    properties(&mut component, &stated);
    component
}

fn app(n: usize, app: &AppLine, records: &[RecordLine]) -> Value {
    let mut component = json!({ "bom-ref": app_ref(n), "type": "application", "name": app.package });
    put(&mut component, "version", &app.version);
    if let Some(organisation) = subject::part(&app.signer, "O").or_else(|| subject::part(&app.signer, "CN")) {
        let country = subject::part(&app.signer, "C").unwrap_or_default();
        if let Some(supplier) = self::organisation(&organisation, &country) {
            component["supplier"] = supplier;
        }
    }
    component["evidence"] = json!({ "occurrences": [{ "location": app.device_path }] });
    let in_aosp = app.in_aosp.map(|it| it.to_string()).unwrap_or_default();
    let records: Vec<String> = records
        .iter()
        .filter(|it| it.package == app.package && it.device_path == app.device_path)
        .map(|it| format!("{}: {}", it.cve, it.standing))
        .collect();
    let mut stated = vec![("signer", &app.signer), ("in-aosp", &in_aosp)];
    stated.extend(records.iter().map(|it| ("named-in-record", it)));
    properties(&mut component, &stated);
    component
}

fn daemon(n: usize, daemon: &DaemonLine) -> Value {
    let mut component = json!({ "bom-ref": format!("daemon-{n}"), "type": "application", "name": daemon.name });
    component["evidence"] = json!({ "occurrences": [{ "location": daemon.device_path }] });
    properties(&mut component, &[("user", &daemon.user)]);
    component
}

fn input(n: usize, input: &Input) -> Value {
    let mut component = json!({ "bom-ref": format!("input-{n}"), "type": "file", "name": input.name });
    if !input.sha256.is_empty() {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": input.sha256 }]);
    }
    properties(&mut component, &[("kind", &input.kind)]);
    component
}

fn put(component: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        component[key] = json!(text);
    }
}

/// Properties of our own, under our name; what is not known is left out.
fn properties(component: &mut Value, stated: &[(&str, &String)]) {
    let known = stated.iter().filter(|it| !it.1.is_empty());
    let list: Vec<Value> =
        known.map(|(name, value)| json!({ "name": format!("postern:{name}"), "value": value })).collect();
    if !list.is_empty() {
        component["properties"] = json!(list);
    }
}

/// The reference of the phone itself.
const PHONE: &str = "phone";
