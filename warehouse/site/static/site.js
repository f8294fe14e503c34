/* Draws the figures of a page, their tables and downloads. The data comes from scripts that call STW.add. */
"use strict";
const STW = {
  data: {},
  add(name, payload) { this.data[name] = payload; },
};

STW.language = () => document.body.dataset.language;
STW.base = () => document.body.dataset.base;
STW.text = (key, values = {}) =>
  (STW.data.texts.texts[STW.language()][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
STW.word = (value) => {
  const words = STW.data.texts.words[STW.language()];
  const text = String(value);
  const pair = " − "; // between two sources
  const [separator, comma] = text.includes(pair) ? [pair, pair] : [", ", STW.language() === "zh" ? "，" : ", "];
  const parts = Object.hasOwn(words, text) ? [text] : text.split(separator);
  return parts.every((part) => Object.hasOwn(words, part)) ? parts.map((part) => words[part]).join(comma) : text;
};
STW.label = (column) => {
  const name = column.replace(new RegExp(`_${STW.language()}$`), "");
  return STW.data.texts.labels[STW.language()][name] ?? column.replaceAll("_", " ");
};

/* --- values and tables --- */

STW.format = (value, column) => {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean" || typeof value === "string") return STW.word(value);
  if (column.endsWith("year")) return String(value);
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 1000 ? 0 : size >= 100 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

/* The columns of a table with their positions: the label of a source is where the source is. */
STW.shown = (columns, below) => {
  const other = STW.language() === "zh" ? "_en" : "_zh";
  const hidden = new Set([...STW.data.texts.hidden, below]);
  const { labels_of: labels } = STW.data.texts;
  const ordered = columns.filter((name) => !Object.values(labels).includes(name)).map((name) => (columns.includes(labels[name]) ? labels[name] : name));
  return ordered.filter((name) => !hidden.has(name) && !name.endsWith(other)).map((name) => [name, columns.indexOf(name)]);
};

STW.element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/* Whether a cell of a Chinese page is an English sentence: a reason that a mart composes has no translation. */
STW.isEnglish = (value) => STW.language() === "zh" && typeof value === "string" && value.length > 40 && !(value in STW.data.texts.words.zh);

/* `below` is a column of long texts, which is shown below each row. */
STW.table = (columns, rows, title, below = null) => {
  const shown = STW.shown(columns, below);
  const head = STW.element("tr", {}, ...shown.map(([name]) => STW.element("th", { scope: "col" }, STW.label(name))));
  const more = (text) => {
    const summary = STW.element("summary", STW.isEnglish(text) ? { lang: "en" } : {}, STW.word(text));
    return STW.element("tr", { class: "below" }, STW.element("td", { colspan: shown.length }, STW.element("details", {}, summary)));
  };
  const body = rows.flatMap((row) => {
    const cells = shown.map(([name, i]) => {
      const kind = typeof row[i] === "number" ? { class: "number" } : STW.isEnglish(row[i]) ? { lang: "en" } : {};
      return STW.element("td", kind, STW.format(row[i], name));
    });
    const text = below && row[columns.indexOf(below)];
    return [STW.element("tr", {}, ...cells), ...(text ? [more(text)] : [])];
  });
  const table = STW.element("table", {}, STW.element("thead", {}, head), STW.element("tbody", {}, ...body));
  return STW.element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
};

/* --- charts --- */

STW.objects = (columns, rows) => rows.map((row) =>
  Object.fromEntries(columns.map((name, i) => [name, typeof row[i] === "string" ? STW.word(row[i]) : row[i]])));

STW.config = (width) => {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const narrow = width < 600;
  return {
    background: "transparent",
    font: style.getPropertyValue("--sans").trim(),
    view: { stroke: null },
    axis: { labelColor: color("--soft"), gridColor: color("--line"), domainColor: color("--soft"), tickColor: color("--line"), labelFontSize: 12, labelLimit: narrow ? 130 : 220 },
    legend: { orient: "bottom", columns: narrow ? 1 : Math.max(2, Math.floor(width / 220)), labelColor: color("--ink"), labelFontSize: 12, labelLimit: Math.max(120, width - 60), symbolStrokeWidth: 3, offset: 10 },
  };
};

/* Draw a specification in the box of a figure; the view is kept with the box for downloads. */
STW.draw = async (box, spec, columns, rows) => {
  const width = box.clientWidth;
  const full = { ...spec, width, height: spec.height ?? 300, autosize: { type: "fit-x", contains: "padding" }, datasets: { ...spec.datasets, rows: STW.objects(columns, rows) } };
  const drawn = await vegaEmbed(box, full, { actions: false, renderer: "svg", config: STW.config(width), tooltip: { theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light" } });
  for (const node of box.querySelectorAll("svg [role], svg [aria-label]")) {
    for (const name of ["role", "aria-label", "aria-roledescription"]) node.removeAttribute(name);
  }
  box.querySelector("svg")?.setAttribute("aria-hidden", "true");
  box.view = drawn.view;
  box.drawnWidth = width;
  return drawn.view;
};

/* --- downloads, citations --- */

STW.save = (address, name) => {
  const link = STW.element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
};

STW.csv = (columns, rows) => {
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return "\ufeff" + [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
};

STW.permanent = (address) => address.replace("/latest/", `/${document.body.dataset.release}/`);

STW.cite = (figure, payload) => {
  const box = figure.querySelector(".cite");
  if (!box || box.childElementCount > 1) return;
  const here = new URL(location.href);
  here.hash = figure.id;
  const frame = new URL(`${STW.base()}embed.html`, location.href);
  frame.hash = `c=${figure.id}&l=${STW.language()}`;
  const parts = [
    ["permanent", STW.permanent(here.href)],
    ["as_text", payload.citation[STW.language()]],
    ["bibtex", payload.bibtex],
    ["embed", `<iframe src="${STW.permanent(frame.href)}" width="100%" height="520" title="${payload.title[STW.language()].replaceAll('"', "&quot;")}"></iframe>`],
  ];
  for (const [key, text] of parts) box.append(STW.element("strong", {}, STW.text(key)), STW.element("pre", {}, text));
};

STW.marks = () => (STW.language() === "zh" ? ["：", "，", "；", "。"] : [": ", ", ", "; ", ". "]);

STW.originText = (origin) => {
  const title = origin.title[STW.language()];
  const vintages = origin.vintages.length > 3 ? `${origin.vintages[0]} – ${origin.vintages.at(-1)}` : origin.vintages.join(", ");
  const [colon, comma, semicolon, stop] = STW.marks();
  const day = origin.retrieved_on.length ? `${comma}${STW.text("retrieved")} ${origin.retrieved_on.at(-1)}` : "";
  return `${STW.text("source")}${colon}${STW.word(origin.label)}${comma}${title}${semicolon}${STW.text("vintage")} ${vintages}${day}${semicolon}${STW.text("licence")}${colon}${STW.word(origin.licence)}${stop}`;
};

/* Buttons of a figure; `content` returns the present columns and rows, for the CSV of a chosen selection. */
STW.buttons = (figure, content) => {
  for (const button of figure.querySelectorAll("[data-save]")) {
    button.addEventListener("click", async () => {
      const view = figure.querySelector(".plot")?.view;
      const kind = button.dataset.save;
      if (kind === "csv") {
        const { columns, rows } = content();
        const url = URL.createObjectURL(new Blob([STW.csv(columns, rows)], { type: "text/csv" }));
        STW.save(url, `${figure.id}.csv`);
        setTimeout(() => URL.revokeObjectURL(url), 1000);
      } else if (view) {
        const background = getComputedStyle(document.documentElement).getPropertyValue("--panel").trim();
        STW.save(await view.background(background).toImageURL(kind, kind === "png" ? 2 : 1), `${figure.id}.${kind}`);
      }
    });
  }
};

/* --- state in the address: #e=CHN.HKG&m=exports_usd_million --- */

STW.state = () => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
STW.keep = (state) => history.replaceState(null, "", `#${Object.entries(state).map(([k, v]) => `${k}=${v}`).join("&")}`);
