tests["a"] = 1; tests["b"] = 0; throw new Error("x")
//---
pm.test("t", () => { tests["in"] = true }); tests["z"] = undefined; tests["10"] = true; tests["2"] = "";
//---
pm.environment.set("k", undefined); pm.environment.set("o", {a: 1}); pm.environment.set("f", 1.5); pm.environment.set("b", true); pm.environment.set("nul2", null);
postman.setEnvironmentVariable("p", {a: 1}); postman.setEnvironmentVariable("q", null); postman.setGlobalVariable("r", undefined); postman.setEnvironmentVariable("s", 12);
console.log(pm.environment.get("k"), pm.environment.get("o"), pm.environment.get("missing"), pm.environment.get("n"), environment.n, environment.o, environment.nothing, postman.getEnvironmentVariable("n"));
//---
postman.setEnvironmentVariable("e", "2"); console.log(environment.e, environment); pm.variables.set("l", 4); console.log(pm.variables.get("l"), pm.variables.get("row"), data, iteration, pm.iterationData.get("row"), pm.variables.get("g"), pm.variables.get("nope"), pm.variables.has("g"));
//---
console.log(responseCode.code, responseHeaders, responseTime, pm.response.status, pm.response.code, pm.response.headers.get("CONTENT-type"), pm.response.headers.get("nope"), pm.response.headers.has("Content-type"), pm.response.reason(), pm.response.responseTime, request.method, request.url, request.headers, pm.request.url.toString(), pm.request.method);
//---
pm.test("a", () => { throw "str" }); pm.test("e", () => { pm.expect(1).to.equal(2) }); pm.test.skip("f", () => {}); pm.test("g", function () { if (pm.response.code === 200) { return; } pm.expect(1).to.equal(2) });
//---
return; tests["x"] = 1
//---
return 0; tests["x"] = 1
//---
pm.test("x", () => { pm.response.to.have.status("OK"); pm.response.to.have.header("content-type"); pm.response.to.have.jsonBody("a"); pm.response.to.have.jsonBody("a", 1); pm.response.to.have.jsonBody({a: 1, list: [1, 2]}); pm.response.to.have.jsonBody() });
pm.test("y2", () => { pm.response.to.have.jsonBody({list: [1]}) }); pm.test("y3", () => { pm.response.to.have.jsonBody({a: 2}) });
pm.test("y", () => { pm.response.to.have.jsonBody("list[0]", 1) }); pm.test("z", () => { pm.response.to.have.jsonBody("b") }); pm.test("w", () => { pm.response.to.have.jsonBody({a: 1}) });
pm.test("v", () => { pm.response.to.be.ok; pm.response.to.be.success; pm.response.to.not.be.serverError; pm.response.to.have.body("x") });
//---
postman.setNextRequest("x")
//---
pm.execution.setNextRequest(null)
//---
pm.expect(1).to.equal(2); console.log("never")
//---
pm.variables.set("x", undefined); pm.variables.unset("q"); pm.collectionVariables.set("c", [1]); pm.globals.unset("g"); pm.environment.unset("a"); pm.environment.unset("never"); pm.environment.clear(); pm.environment.set("n", "7"); console.log(pm.environment.get("n"));
//---
pm.environment.set("n", "7"); console.log(pm.environment.get("n"), pm.variables.get("n"), pm.variables.replaceIn("{{n}}-{{a}}-{{missing}}-{{c}}"));
//---
try { undefined.x } catch (e) { console.log(e) } try { JSON.parse("{") } catch (e) { console.log("no") } finally { console.log("last") }
//---
console.log(CryptoJS.MD5("x") + "", CryptoJS.HmacSHA256("a", "k").toString(CryptoJS.enc.Base64), CryptoJS.SHA256("한글").toString(), CryptoJS.SHA512("a").toString(), CryptoJS.MD5("jasonpurse") == "288d14f08b5ad40da43dbe06467729c9", CryptoJS.HmacSHA1("a", "b").toString());
//---
console.log(pm.info.eventName, pm.info.iteration, pm.info.iterationCount, pm.info.requestName, pm.cookies.get("sid"), pm.cookies.has("x"), pm.cookies.get("x"), postman.getResponseCookie("sid").value, postman.getResponseHeader("content-TYPE"));
//---
const body = pm.response.json(); let total = 0; for (const v of body.list) { total += v } for (const k in body) { console.log(k) }
for (let i = 0; i < body.list.length; i++) { if (body.list[i] === 2) { break } console.log(i, body.list[i]) }
body.list.forEach((v, i) => { console.log(v * i) }); body.list.forEach(function (v) { total = total + v }); console.log(total, body.list.map(v => v + 1), body.list.filter(v => v > 1), body.list.reduce((a, b) => a + b, 10), body.list.find(v => v === 2), body.list.some(v => v > 5), body.list.every(v => v));
const {a, list: other, missing} = body; console.log(a, other, missing); body.extra = {deep: [1, 2]}; body["x"] = 5; delete body.a; console.log(body, Object.keys(body), Object.entries(body.extra)); console.log(`${total} and ${body.extra} ${missing}`);
//---
var jsonData = JSON.parse(responseBody); if (jsonData.a == "1" && !jsonData.b) { console.log("yes") } else if (jsonData.b) { console.log("b") } else { console.log("no") }
var x; console.log(x); if (jsonData) { var inner = 5 } console.log(inner); x = jsonData.a ? "t" : "f"; console.log(x); count = 1; count++; console.log(count); x += 1; console.log(x);
//---
function check(name, value) { pm.test("has " + name, function () { pm.expect(pm.response.json()).to.have.property(name, value) }) } check("a", 1); check("a", 2); check("list"); const twice = (v) => v * 2; console.log(twice(4), twice("a"));
//---
let sum = 0; [1, 2, 3].forEach(v => { sum += v }); const add3 = function (v) { sum += v; return sum }; console.log(add3(3), sum); switchless = {a: [1, {b: 2}]}; console.log(JSON.stringify(switchless), JSON.stringify(switchless, null, 2), JSON.stringify("한글\n\u2028"), JSON.stringify(undefined), JSON.stringify([undefined, NaN]), JSON.stringify({u: undefined, n: null}));
//---
const m = "order-123-x".match(/order-(\d+)/); console.log(m[1], /^a.c$/i.test("ABC"), "a-b-c".replace(/-/g, "+"), "a-b".replace("-", "+"), /[^\w\s]/.test("a b"), "x".match(/y/), "aXbX".match(/X/g));
//---
console.log("ABC".has("b"), "ABC".has("B"), "a,b".split(","), "abc".slice(-2), "abc".substring(2, 0), "abc".substr(1, 1), "  x ".trim(), "abc".indexOf("c"), "a".padStart(3, "0"), "abc".charAt(1), "𝌆a".length, "𝌆a".slice(2), (12.345).toFixed(2), "x".repeat(3), "abc".includes("b"), "b" in {b: 1}, [3, 10, 2].sort(), [3, 10, 2].sort((p, q) => p - q), [1, [2, [3]]].flat(), [1, 2].concat([3], 4), [1, 2].join("-"), [1, 2, 3].indexOf(2), [1, 2].includes(2));
//---
console.log(encodeURIComponent("a b&한글'(~"), decodeURIComponent("%ED%95%9C"), Math.max(1, 2), Math.round(2.5), Math.round(-2.5), Math.floor(-1.5), parseInt("12px"), parseInt("0x1f"), parseFloat("1.5e3x"), Number(""), Number("12a"), Number(null), Number("0x10"), isNaN("x"), String(null), String([1, [2, null]]), String({}), typeof null, typeof undefined, typeof "a", Array.isArray([]), btoa("ab"), atob("YWI="), 7 % -3, -7 % 3, 1 / 0, 0.1 + 0.2, 1e21 + 1);
//---
pm.test("k", () => { pm.expect(pm.response.json()).to.include.all.keys(["a"]); pm.expect(pm.response.json()).to.include.keys("a", "list") });
pm.test("k2", () => { pm.expect(pm.response.json()).to.have.all.keys("a") }); pm.test("k3", () => { pm.expect(pm.response.json()).to.have.any.keys("a", "zz") });
pm.test("k4", () => { pm.expect(undefined).to.include.all.keys(["a"]) }); pm.test("k5", () => { pm.expect(pm.response.json()).to.not.have.any.keys("zz") }); pm.test("k6", () => { pm.expect([1, 2]).to.have.members([2, 1]) });
console.log(pm.request.url.getPath()); [].concat(pm.response.json()).forEach(row => pm.expect(row).to.include.all.keys(['a']));
//---
// prerequest
const missing = ['a', 'zz'].filter(name => !pm.variables.get(name)); pm.test('all there', function () { pm.expect(missing).to.be.empty }); if (missing.length) { pm.execution.skipRequest(); } console.log("after");
//---
pm.test("types", () => { pm.expect([1]).to.be.an("array"); pm.expect({}).to.be.an("object"); pm.expect(null).to.be.a("null"); pm.expect("x").to.be.a("String"); pm.expect(undefined).to.be.an("undefined"); pm.expect(1).to.be.a("number"); });
pm.test("n1", () => { pm.expect("5").to.be.above(3) }); pm.test("n2", () => { pm.expect("5").to.not.be.above(3) }); pm.test("n3", () => { pm.expect(5).to.be.within(1, 5); pm.expect(5).to.be.closeTo(4, 1); pm.expect(5).to.be.at.least(5); pm.expect(5).to.not.be.below(5) });
pm.test("l1", () => { pm.expect("abc").to.have.lengthOf(3); pm.expect([1]).to.have.length(1); }); pm.test("l2", () => { pm.expect(5).to.have.lengthOf(1) }); pm.test("l3", () => { pm.expect({length: 2}).to.have.lengthOf(2) });
pm.test("e1", () => { pm.expect([]).to.be.empty; pm.expect({}).to.be.empty; pm.expect("").to.be.empty }); pm.test("e2", () => { pm.expect(null).to.be.empty }); pm.test("e3", () => { pm.expect(5).to.not.be.empty }); pm.test("e4", () => { pm.expect("x").to.not.be.empty });
pm.test("x1", () => { pm.expect(null).to.not.exist; pm.expect(0).to.exist; pm.expect(pm.response.json().nope).to.be.undefined; pm.expect("a").to.be.ok; pm.expect(NaN).to.be.NaN }); pm.test("x2", () => { pm.expect("").to.be.ok }); pm.test("x3", () => { pm.expect(1).to.be.true });
pm.test("o1", () => { pm.expect(2).to.be.oneOf([1, 2]); pm.expect("a").to.not.be.oneOf(["b"]) }); pm.test("o2", () => { pm.expect(3).to.be.oneOf([1, 2]) }); pm.test("m1", () => { pm.expect("order-12").to.match(/^order-\d+$/) }); pm.test("m2", () => { pm.expect("order-x").to.match(/^order-\d+$/) });
pm.test("i1", () => { pm.expect([1, 2]).to.include(2); pm.expect("abc").to.contain("b"); pm.expect({a: 1, b: 2}).to.include({a: 1}); pm.expect([{a: 1}]).to.deep.include({a: 1}) }); pm.test("i2", () => { pm.expect([{a: 1}]).to.include({a: 1}) }); pm.test("i3", () => { pm.expect(5).to.include(5) }); pm.test("i4", () => { pm.expect({a: {b: 1}}).to.deep.include({a: {b: 1}}) });
pm.test("q1", () => { pm.expect({a: [1, {b: null}]}).to.eql({a: [1, {b: null}]}); pm.expect([1]).to.deep.equal([1]); pm.expect(1).to.eql(1) }); pm.test("q2", () => { pm.expect({a: 1}).to.equal({a: 1}) }); pm.test("q3", () => { pm.expect(true).to.equal(1) }); pm.test("q4", () => { pm.expect(pm.response.json().a).to.eql("1") }); pm.test("q5", () => { pm.expect(1).to.eql(true) });
pm.test("p1", () => { pm.expect({a: {b: 5}}).to.have.property("a").that.has.property("b", 5); pm.expect({a: 1}).to.not.have.property("b") }); pm.test("p2", () => { pm.expect({a: 1}).to.have.property("a", 2) }); pm.test("p3", () => { pm.expect(null).to.have.property("a") }); pm.test("p4", () => { pm.expect({a: 1}).to.have.property("a").that.is.a("string") }); pm.test("p5", () => { pm.expect([1]).to.have.property("length", 1) }); pm.test("p6", () => { pm.expect({a: undefined}).to.have.property("a") });
pm.test("s", () => { pm.expect("abc").to.be.a("string").and.not.be.empty; pm.expect("abc").to.have.string("b") }); pm.test("s2", () => { pm.expect("").to.be.a("string").and.not.be.empty });
//---
postman.setEnvironmentVariable("zero", 0); postman.setEnvironmentVariable("no", false); postman.setEnvironmentVariable("blank", ""); postman.setGlobalVariable("yes", true); console.log(postman.getEnvironmentVariable("zero"), environment.zero, environment.no, globals.yes);
//---
let out = []; for (let i = 0; i < 5; i++) { if (i % 2) continue; out.push(i) } console.log(out);
//---
switch (pm.response.code) { case 200: console.log("ok"); break; case 404: console.log("no"); break; default: console.log("other") }
//---
const f = (a, b = 2) => a + b; console.log(f(1), f(1, 5));
//---
Object.entries(pm.response.json()).forEach(([k, v]) => { console.log(k, v) });
//---
const [x, y] = [1, 2]; console.log(x, y); let i = 0; do { i++ } while (i < 3); console.log(i);
//---
console.log(Buffer.from("us@r:p").toString("base64"));
//---
const d = new Date(); console.log(typeof d.getTime(), d.toISOString().length);
//---
const o = pm.response.json(); o.count = 1; o.count += 2; o.list[0]++; console.log(o); let s = ""; s += "a"; s += 1; console.log(s);
//---
let r = pm.response.json().list.map((v, i) => ({v, i})).filter(({v}) => v > 1); console.log(r);
//---
pm.environment.set("id", pm.response.json().list[0]); pm.test("Body matches string", function () { pm.expect(pm.response.text()).to.include("a"); });
//---
pm.test("Response time is less than 200ms", function () { pm.expect(pm.response.responseTime).to.be.below(200); });
//---
pm.test("Successful POST request", function () { pm.expect(pm.response.code).to.be.oneOf([201, 202]); }); pm.test("ct", function () { pm.response.to.have.header("Content-Type"); }); pm.test("Status code name has string", function () { pm.response.to.have.status("Created"); });
//---
pm.test("Body is correct", function () { pm.response.to.have.body("response_body_string"); }); pm.test("Your test name", function () { var jsonData = pm.response.json(); pm.expect(jsonData.value).to.eql(100); });
//---
const id = pm.variables.replaceIn("{{$randomInt}}"); console.log(typeof id);
//---
if (pm.response.json()["a"] !== undefined && Array.isArray(pm.response.json().list)) { pm.globals.set("x", JSON.stringify(pm.response.json().list)); } else { pm.globals.unset("x") }
//---
const rows = pm.response.json().list || []; const total = rows.reduce((sum, v) => sum + v, 0); pm.test(`total is ${total}`, () => pm.expect(total).to.equal(3));
//---
let counter = parseInt(pm.environment.get("counter") || "0", 10); counter++; pm.environment.set("counter", counter.toString()); console.log(counter);
//---
let names = []; for (let k in pm.response.json()) { if (pm.response.json().hasOwnProperty(k)) { names.push(k.toUpperCase()); } } console.log(names.join(", "), names.sort().reverse());
//---
function pad(n) { return n < 10 ? "0" + n : String(n); } console.log(pad(5), pad(12)); const ts = Math.floor(Date.now() / 1000); console.log(typeof ts, ts > 1600000000);
//---
try { const j = pm.response.json(); pm.test("ok", () => { pm.expect(j).to.be.an("object") }); } catch (e) { pm.test("not json", () => { throw e; }); }
//---
const status = pm.response.code; pm.test("status " + status, () => { pm.expect(status, "code").to.be.a("number").and.to.equal(200); pm.expect([200, 201]).to.include(status); });
//---
pm.test("nested", () => { const {a, list: [first]} = pm.response.json(); pm.expect(a).to.equal(1) });
//---
let found = pm.response.json().list.find(v => v === 2); pm.expect(found).to.not.be.undefined; console.log(found ?? "none", pm.response.json()?.x?.y);
//---
function name(c) { switch (c) { case 1: case 2: return "low"; case 3: { return "three" } default: return "other" } } console.log(name(1), name(2), name(3), name("1"));
let r2; switch (pm.response.json().a + 1) { case 2: r2 = "two"; break; case 3: r2 = "three" } console.log(r2); for (const v of [1, 2, 3]) { switch (v) { case 2: continue; default: console.log(v) } }
//---
console.log(CryptoJS.enc.Base64.stringify(CryptoJS.enc.Utf8.parse("한글")), Buffer.from("a:b", "utf8").toString("base64"), Object.assign({}, {a: 1}, null, {b: 2}), void 0);
//---
for (var i = 0; i < 3; i++) { console.log(i) } console.log(i); const list = pm.response.json().list; for (let j = 0; j < list.length; j++) { if (list[j] === 1) continue; console.log(j + 1, list[j]) } for (let j = 0; j < list.length; j++) { if (j < 3) list.push(j) } console.log(list); for (let k = 2; k < 4; k++) console.log(`k${k}`);
//---
const g = ([a, b], {c, d: [e]}, f = a + 1) => `${a}${b}${c}${e}${f}`; console.log(g([1, 2], {c: 3, d: [4]})); try { g(null, {}) } catch (x) { console.log("threw") }
//---
const text = pm.response.text(), get = pm.response.json(), keys = Object.keys(get); let number = 1, call = n => n + 1; number += call(2); console.log("a" + get.a + text.length, keys, number, `${get.list}`); function truthy(add) { return add ? "y" : "n" } console.log(truthy(get.a), truthy(get.b));
//---
var print = 1, type = "t", list = [1], str = "s", class_ = 2, lambda = 3, None = 4, self = 5, _ = 6, l = 7, $x = 8, Any = 9, pm_ = 10; console.log(print, type, list, str, class_, lambda, None, self, l, $x, Any, pm_);
