// The settings page: a form for each group of settings; what is typed stays until it is saved.

const csrf = document.querySelector('meta[name="csrf"]').content;
const $ = (id) => document.getElementById(id);
const FEW = ["strategy", "delay", "cooldown", "theme", "enabled", "restore"]; // the others of [color] are folded
const LOOK_MS = 3000;
let state = null;
let noticed = "";

/** Send a request; resolves to the answer's status and JSON, rejects with one line for a person. */
async function ask(path, method = "GET", json) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { "X-CSRF-Token": csrf, ...(json && { "Content-Type": "application/json" }) },
      body: json && JSON.stringify(json),
    });
  } catch {
    throw new Error("The bot does not answer. What you typed is still here; try again.");
  }
  if (response.status === 401) location.assign("/login");
  if (response.ok || response.status === 422) return { status: response.status, data: await response.json() };
  throw new Error((await response.text()).trim() || `The bot answers ${response.status}.`);
}

function make(tag, text = "", values = {}) {
  const element = Object.assign(document.createElement(tag), values);
  element.textContent = text;
  return element;
}

function say(text) {
  $("said").textContent = "";
  requestAnimationFrame(() => { $("said").textContent = text; }); // spoken again, even if it is the same
}

const text = (value) => (value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value));
const idOf = (key) => `set-${key.replaceAll(".", "-")}`;

// One field

function controlOf(field) {
  const id = idOf(field.key);
  if (field.kind === "switch") return make("input", "", { type: "checkbox", id, checked: field.value });
  if (field.kind === "choice") {
    const select = make("select", "", { id });
    for (const choice of field.choices) select.append(make("option", choice, { value: choice }));
    select.value = field.value;
    return select;
  }
  const kind = field.kind === "password" ? "password" : "text";
  const input = make("input", "", { type: kind, id, value: text(field.value), spellcheck: false });
  input.autocomplete = kind === "password" ? "new-password" : "off";
  if (kind === "password" && field.isSet) input.placeholder = "a password is set";
  return input;
}

function rowOf(field) {
  const row = field.kind === "checks" ? make("fieldset", "", { className: "field checks" }) : make("div", "", { className: `field ${field.kind}` });
  row.dataset.key = field.key;
  row.dataset.name = field.name;
  const help = make("p", field.help, { className: "help", id: `${idOf(field.key)}-help` });
  const wrong = make("p", "", { className: "wrong", id: `${idOf(field.key)}-wrong`, hidden: true });
  if (field.kind === "checks") {
    row.append(make("legend", field.label));
    for (const [value, label] of Object.entries(field.checks)) {
      const line = make("label");
      line.append(make("input", "", { type: "checkbox", value, checked: field.value.includes(value) }), label);
      row.append(line);
    }
  } else {
    const label = make("label", field.label);
    label.htmlFor = idOf(field.key);
    const control = controlOf(field);
    row.append(...(field.kind === "switch" ? [control, label] : [label, control]));
  }
  for (const control of row.querySelectorAll("input, select")) {
    control.disabled = Boolean(field.origin);
    control.setAttribute("aria-describedby", `${help.id} ${wrong.id}`);
  }
  row.append(wrong, help);
  if (field.origin) row.append(make("p", `Set in ${field.origin}; change it there.`, { className: "origin" }));
  if (field.changed) {
    const back = state.account ? "Same as all accounts" : "Back to the default";
    const undo = make("button", back, { type: "button", className: "undo" });
    undo.setAttribute("aria-label", `${back}: ${field.label}`);
    undo.addEventListener("click", () => save({ set: {}, drop: [field.key] }, `${field.label} is back to its default.`, row.dataset.key));
    const line = make("div", "", { className: "row" });
    line.append(undo);
    row.append(line);
  }
  return row;
}

function valueOf(row, field) {
  if (field.kind === "switch") return row.querySelector("input").checked;
  if (field.kind === "checks") return [...row.querySelectorAll("input:checked")].map((box) => box.value);
  return row.querySelector("input, select").value;
}

const before = (field) => (["switch", "checks"].includes(field.kind) ? field.value : field.kind === "password" ? "" : text(field.value));
const differs = (row, field) => JSON.stringify(valueOf(row, field)) !== JSON.stringify(before(field));

// A group of fields

function formOf(group) {
  const form = make("form", "", { className: "card", noValidate: true });
  form.setAttribute("aria-label", group.title);
  const rows = group.fields.map(rowOf);
  const wrong = make("p", "", { className: "wrong", hidden: true });
  wrong.setAttribute("role", "alert");
  form.append(make("h2", group.title), ...foldedRows(group, rows));
  if (group.title === "Colours") {
    // Between what decides the colours and what decides when they change.
    rows.find((row) => row.dataset.name === "color.period").after(previewOf(form, group, rows));
  }
  const bar = make("div", "", { className: "save" });
  bar.append(make("button", "Save", { type: "submit", className: "primary" }));
  form.append(wrong, bar);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const changed = group.fields.filter((field, place) => !field.origin && !rows[place].hidden && differs(rows[place], field));
    if (!changed.length) return say("Nothing was changed.");
    const set = Object.fromEntries(changed.map((field) => [field.key, valueOf(rows[group.fields.indexOf(field)], field)]));
    // A number that was cleared is the default again.
    const drop = changed.filter((field) => typeof field.value === "number" && set[field.key].trim() === "").map((field) => field.key);
    for (const key of drop) delete set[key];
    save({ set, drop }, "Saved; it is in force now.", "", form);
  });
  return form;
}

function foldedRows(group, rows) {
  if (group.title !== "Colours") return rows;
  const more = make("details");
  const inside = make("div");
  more.append(make("summary", "More about colours"), inside);
  const few = [];
  for (const row of rows) {
    const name = row.dataset.name.split(".").pop();
    const ofStrategy = Object.values(state.strategies).some((keys) => keys.includes(name));
    if (FEW.includes(name) || ofStrategy) few.push(row);
    else inside.append(row);
  }
  return [...few, more];
}

// The next colours, on both themes

function previewOf(form, group, rows) {
  const box = make("div");
  const samples = make("div", "", { className: "samples" });
  const [dark, light] = ["dark", "light"].map((theme) => make("div", "", { className: theme }));
  dark.setAttribute("aria-label", "The next colours on the dark theme");
  light.setAttribute("aria-label", "The next colours on the light theme");
  for (const each of [dark, light]) each.setAttribute("role", "img");
  const wrong = make("p", "", { className: "wrong", hidden: true });
  samples.append(dark, light);
  box.append(make("h3", "The next colours"), wrong, samples);
  let latest = 0;
  let timer;
  const show = async () => {
    const strategy = valueOf(rows.find((row) => row.dataset.name === "color.strategy"), { kind: "choice" });
    const all = new Set(Object.values(state.strategies).flat());
    const color = {};
    rows.forEach((row, place) => {
      const name = row.dataset.name.split(".").pop();
      row.hidden = all.has(name) && !state.strategies[strategy].includes(name);
      if (!row.hidden) color[name] = valueOf(row, group.fields[place]);
    });
    const turn = ++latest;
    try {
      const { data } = await ask("/api/settings/preview", "POST", { account: state.account, color });
      if (turn !== latest) return;
      wrong.hidden = data.problems.length === 0;
      wrong.textContent = data.problems.join(" ");
      samples.hidden = data.rows.length === 0;
      for (const [place, contrast] of [[dark, "onDark"], [light, "onLight"]]) {
        place.replaceChildren(...data.rows.map((row) => {
          const name = make("span", row.hex, { title: `${row.hex}, ${row[contrast]}:1` });
          name.style.color = row.hex;
          return name;
        }));
      }
    } catch (error) {
      if (turn === latest) say(error.message);
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 200);
  });
  show();
  return box;
}

// Saving

function complain(form, problems) {
  const places = [...form.querySelectorAll("[data-key]")];
  const rest = [];
  for (const line of problems) {
    const row = places.find((each) => line.includes(each.dataset.name) || line.includes(each.dataset.key));
    if (!row) {
      rest.push(line);
      continue;
    }
    const wrong = row.querySelector(".wrong");
    wrong.textContent = line;
    wrong.hidden = false;
    row.closest("details")?.setAttribute("open", "");
    for (const control of row.querySelectorAll("input, select")) control.setAttribute("aria-invalid", "true");
  }
  const last = form.querySelector(':scope > .wrong[role="alert"]');
  last.textContent = rest.join(" ") || "Nothing was saved: see what is marked above.";
  last.hidden = false;
  form.querySelector('[aria-invalid="true"]')?.focus();
}

async function save(change, done, focus = "", form = null) {
  for (const wrong of document.querySelectorAll(".wrong")) wrong.hidden = true;
  for (const control of document.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  try {
    const { status, data } = await ask("/api/settings", "POST", { ...change, account: state.account });
    if (status === 422) return form ? complain(form, data.problems) : say(data.problems.join(" "));
    keepTyped(form, () => show(data));
    say(done);
    if (focus) document.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.querySelector("input, select")?.focus();
  } catch (error) {
    say(error.message);
  }
}

/** Keep what was typed in the other forms while this one is shown anew. */
function keepTyped(saved, work) {
  const typed = {};
  for (const form of $("settings").children) {
    if (form === saved) continue;
    for (const control of form.querySelectorAll("input[id], select[id]")) {
      const field = state.groups.flatMap((group) => group.fields).find((each) => idOf(each.key) === control.id);
      const now = control.type === "checkbox" ? control.checked : control.value;
      if (field && now !== before(field)) typed[control.id] = now;
    }
  }
  work();
  for (const [id, value] of Object.entries(typed)) {
    const control = $(id);
    if (!control || control.disabled) continue;
    if (control.type === "checkbox") control.checked = value;
    else control.value = value;
  }
}

// The page

/** Show what is wrong with the file, and what waits for a restart. */
function showNotices(found) {
  const news = JSON.stringify([found.problems, found.waiting]);
  if (news === noticed) return; // an alert is spoken whenever it is written
  noticed = news;
  $("file").hidden = found.problems.length === 0;
  $("file").replaceChildren(
    make("strong", "The settings file has a mistake. What was set before stays in force."),
    ...found.problems.map((line) => make("p", line)),
  );
  $("waiting").hidden = found.waiting.length === 0;
  $("waiting").replaceChildren(make("p", `Changed in the file, and takes effect after a restart: ${found.waiting.join(", ")}`));
}

function show(found) {
  state = found;
  showNotices(found);
  const choice = $("account");
  choice.replaceChildren(make("option", "all accounts", { value: "" }), ...found.accounts.map((each) => make("option", each.login, { value: each.id })));
  choice.value = found.account;
  $("chat").hidden = found.inChat.length === 0;
  $("chat").querySelector("p").textContent = `Set in chat or on the dashboard, which comes first: ${found.inChat.join(", ")}`;
  $("settings").replaceChildren(...found.groups.map(formOf));
  $("accounts").replaceChildren(...found.accounts.map(accountOf));
}

function accountOf(account) {
  const line = make("li");
  const out = make("button", "Log out", { type: "button" });
  out.setAttribute("aria-label", `Log out ${account.login}`);
  out.addEventListener("click", async () => {
    if (!out.dataset.sure) {
      out.dataset.sure = "yes";
      out.textContent = "Log out and forget it?";
      out.setAttribute("aria-label", `Log out ${account.login} and forget what was set for it?`);
      return;
    }
    out.disabled = true;
    try {
      const { data } = await ask(`/api/settings/accounts/${account.id}`, "DELETE");
      show(data);
      say(data.confirmed ? `${account.login} is logged out.` : `${account.login} is forgotten here, but Twitch could not be told.`);
      $("account").focus();
    } catch (error) {
      say(error.message);
      out.disabled = false;
    }
  });
  out.addEventListener("blur", () => {
    delete out.dataset.sure;
    out.textContent = "Log out";
    out.setAttribute("aria-label", `Log out ${account.login}`);
  });
  line.append(make("b", account.login), out);
  return line;
}

// Start with this computer; hidden where the system cannot do it

function showComputer({ isOffered, isOn, problem }) {
  $("computer").hidden = !isOffered;
  $("autostart").setAttribute("aria-checked", isOn);
  $("computer-text").textContent = problem;
}

async function askComputer(...request) {
  $("autostart").disabled = true;
  try {
    showComputer((await ask("/api/settings/computer", ...request)).data);
  } catch (error) {
    $("computer-text").textContent = error.message;
  }
  $("autostart").disabled = false;
}

$("autostart").addEventListener("click", async () => {
  await askComputer("POST", { text: $("autostart").getAttribute("aria-checked") === "true" ? "off" : "on" });
  if (document.activeElement === document.body) $("autostart").focus(); // it was lost while the system was asked
});

async function load(account) {
  try {
    show((await ask(`/api/settings?${new URLSearchParams({ account })}`)).data);
  } catch (error) {
    say(error.message);
  }
}

$("account").addEventListener("change", () => load($("account").value));
$("chat").querySelector("button").addEventListener("click", async () => {
  try {
    show((await ask(`/api/settings/chat/${state.account}`, "POST", {})).data);
    say("The settings are in force.");
    $("settings").focus();
  } catch (error) {
    say(error.message);
  }
});
// The file may change at any time; what is typed here stays.
setInterval(async () => {
  if (document.hidden || state === null) return;
  try {
    showNotices((await ask(`/api/settings?${new URLSearchParams({ account: state.account })}`)).data);
  } catch {
    // The next look, or the next save, says so.
  }
}, LOOK_MS);
askComputer();
load(new URLSearchParams(location.search).get("account") ?? "");
