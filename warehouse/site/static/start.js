/* Starts a page: figures, the comparison, the profile of an economy, the frame of one figure. */
"use strict";
(() => {
  const language = STW.language();
  const names = () => STW.data.economy_names.rows.map(([code, en, zh]) => [code, language === "zh" ? zh : en]);

  /* --- figures whose data is in the page --- */

  const drawFigure = (figure) => {
    const payload = STW.data[figure.dataset.figure];
    const box = figure.querySelector(".plot");
    if (!box || !payload.specs[language]) return Promise.resolve();
    return STW.draw(box, payload.specs[language], payload.columns, payload.rows);
  };

  const startFigure = (figure) => {
    const payload = STW.data[figure.dataset.figure];
    figure.querySelector("details.data")?.addEventListener("toggle", (event) => {
      const box = event.target;
      if (box.open && box.childElementCount === 1) box.append(STW.table(payload.columns, payload.rows, payload.title[language], payload.below));
    });
    figure.querySelector(".cite")?.addEventListener("toggle", () => STW.cite(figure, payload));
    STW.buttons(figure, () => payload);
    return drawFigure(figure);
  };

  /* --- economies --- */

  /* Lines by source have the colours of the sources in all figures. */
  const economySpec = (y, color, dash, sources = {}) => {
    const labels = Object.keys(sources).sort();
    const scale = color === "source_label"
      ? { domain: labels.map(STW.word), range: labels.map((label) => STW.data.texts.source_colors[sources[label]]) }
      : { range: STW.data.texts.colors };
    const legend = { title: null, symbolType: "stroke", symbolStrokeColor: STW.data.texts.neutral };
    const shared = {
      x: { field: "period_start", type: "temporal", title: null, scale: { type: "utc" }, axis: { format: "%Y", grid: false, labelSeparation: 8 } },
      y: { field: y, type: "quantitative", title: null, axis: { format: ",~r" } },
      color: { field: color, type: "nominal", legend: { title: null, symbolType: "stroke" }, scale },
      tooltip: [color, ...(dash ? [dash] : []), "period_label", y, "source_label", "vintage"].map((field) => ({ field, title: STW.label(field), type: field === y ? "quantitative" : "nominal", ...(field === y ? { format: ",.4~r" } : {}) })),
    };
    const pieces = { detail: { field: "source", type: "nominal" } }; // no line from one publisher to another
    const dashes = dash ? { strokeDash: { field: dash, type: "nominal", legend, scale: { domain: ["exports", "imports"].map(STW.word), range: [[1, 0], [5, 3]] } } } : {};
    return {
      data: { name: "rows" },
      layer: [
        { mark: { type: "line", strokeWidth: 2 }, encoding: { ...shared, ...pieces, ...dashes } },
        { mark: { type: "point", filled: true, size: 22, opacity: 1 }, encoding: shared },
      ],
    };
  };

  const showOrigins = (figure, rows, columns) => {
    const [label, source, vintage] = ["source_label", "source", "vintage"].map((name) => columns.indexOf(name));
    const [colon, comma, semicolon, stop] = STW.marks();
    const found = [...new Set(rows.map((row) => `${STW.word(row[label])}${comma}${row[source]}${comma}${STW.text("vintage")} ${row[vintage]}`))].sort();
    figure.querySelector(".origins").textContent = found.length ? `${STW.text("source")}${colon}${found.join(semicolon)}${stop}` : "";
  };

  const showTable = (figure, columns, rows, title) => {
    const box = figure.querySelector("details.data");
    box.querySelector(".scroll")?.remove();
    box.querySelector("summary").textContent = STW.text("table_rows", { count: rows.length });
    const fill = () => { if (box.open && !box.querySelector(".scroll")) box.append(STW.table(columns, rows, title)); };
    box.ontoggle = fill;
    fill();
  };

  const showChart = (figure, title, spec, columns, rows) => {
    figure.querySelector("h2").textContent = title;
    const box = figure.querySelector(".plot");
    box.setAttribute("aria-label", title);
    showTable(figure, columns, rows, title);
    showOrigins(figure, rows, columns);
    return STW.draw(box, spec, columns, rows);
  };

  const fillList = () => {
    document.querySelector("#economies").append(...names().map(([code, name]) => STW.element("option", { value: `${name} (${code})` })));
  };

  /* The code of what was typed: a name of the list, a code, or the beginning of one name alone. */
  const codeOf = (typed) => {
    const text = typed.trim().toLowerCase();
    const exact = names().find(([code, name]) => [code, name, `${name} (${code})`].some((one) => one.toLowerCase() === text));
    if (exact) return exact[0];
    const begun = text ? names().filter(([, name]) => name.toLowerCase().startsWith(text)) : [];
    return begun.length === 1 ? begun[0][0] : null;
  };

  const rowsOf = ({ columns, rows, sources }, codes, measure, source = null) => {
    const at = Object.fromEntries(columns.map((name, i) => [name, i]));
    const named = Object.fromEntries(names());
    return rows.filter((row) => codes.includes(row[at.reporter]) && row[at[measure]] !== null && (!source || row[at.source] === source))
      .map((row) => [named[row[at.reporter]], row[at.reporter], row[at.period_label], `${row[at.period_label]}-01-01`, row[at[measure]], sources[row[at.source]] ?? row[at.source], row[at.source], row[at.vintage]]);
  };

  /* The sources of the comparison, the one with most economies first. */
  const comparedSources = () => {
    const { columns, rows } = STW.data.comparison;
    const [source, reporter] = [columns.indexOf("source"), columns.indexOf("reporter")];
    const found = {};
    for (const row of rows) (found[row[source]] ??= new Set()).add(row[reporter]);
    return Object.keys(found).sort((a, b) => found[b].size - found[a].size || a.localeCompare(b));
  };

  const startCompare = () => {
    const state = STW.state();
    const sources = comparedSources();
    const from = document.querySelector("#source");
    from.append(...sources.map((one) => STW.element("option", { value: one }, STW.word(STW.data.comparison.sources[one] ?? one))));
    if (sources.includes(state.s)) from.value = state.s;
    const known = names().map(([code]) => code);
    let codes = (state.e ?? "CHN.USA.GBR.IND.SGP").split(".").filter((code) => known.includes(code)).slice(0, 8);
    const select = document.querySelector("#measure");
    if ([...select.options].some((option) => option.value === state.m)) select.value = state.m;
    const figure = document.querySelector("#comparison");
    const message = document.querySelector("#message");
    let shown = { columns: [], rows: [] };
    const update = () => {
      const measure = select.value;
      const columns = [`reporter_name_${language}`, "reporter", "period_label", "period_start", measure, "source_label", "source", "vintage"];
      shown = { columns, rows: rowsOf(STW.data.comparison, codes, measure, from.value) };
      STW.keep({ e: codes.join("."), m: measure, s: from.value });
      const named = Object.fromEntries(names());
      document.querySelector("#chosen").replaceChildren(...codes.map((code) => {
        const button = STW.element("button", { type: "button", "aria-label": `${STW.text("remove")} ${named[code]}` }, `${named[code]} ×`);
        button.addEventListener("click", () => { codes = codes.filter((one) => one !== code); update(); });
        return STW.element("li", {}, button);
      }));
      const title = STW.text("compare_title", { measure: select.selectedOptions[0].textContent });
      return showChart(figure, title, economySpec(measure, columns[0]), columns, shown.rows);
    };
    const input = document.querySelector("#economy");
    const add = () => {
      const code = codeOf(input.value);
      if (!code) return;
      message.textContent = codes.length >= 8 && !codes.includes(code) ? STW.text("too_many") : "";
      if (!message.textContent && !codes.includes(code)) codes = [...codes, code];
      input.value = "";
      update();
    };
    input.addEventListener("change", add);
    document.querySelector("#chooser").addEventListener("submit", (event) => { event.preventDefault(); add(); });
    select.addEventListener("change", update);
    from.addEventListener("change", update);
    STW.buttons(figure, () => shown);
    fillList();
    STW.redraw = update;
    return update();
  };

  /* The figures of a profile; each with the name of its period and source in the data, and of the reason where no year has it. */
  const PROFILE = [
    ["exports_usd_million", "exports"], ["exports_growth_pct", "exports_growth"], ["imports_usd_million", "imports"], ["imports_growth_pct", "imports_growth"],
    ["total_usd_million", "total"], ["balance_usd_million", "balance"],
    ["world_export_share_pct", "world_shares", "world_reason"], ["world_import_share_pct", "world_shares", "world_reason"],
    ["world_total_share_pct", "world_shares", "world_reason"], ["world_rank", "world_shares", "world_reason"],
    ["services_share_of_trade_pct", "all_trade"], ["openness_pct", "openness", "openness_reason"], ["tc", "tc_index"],
    ["top_exports_service_name", "export_item", "items_reason"], ["top_exports_service_share_pct", "export_item", "items_reason"],
    ["top_imports_service_name", "import_item", "items_reason"], ["top_imports_service_share_pct", "import_item", "items_reason"],
    ["hhi_services", "items_index", "items_reason"],
    ["top_exports_partner_name", "market", "partner_reason"], ["top_exports_partner_share_pct", "market", "partner_reason"],
    ["top_imports_partner_name", "supplier", "partner_reason"], ["top_imports_partner_share_pct", "supplier", "partner_reason"],
    ["hhi_partners", "partners_index", "partner_reason"],
    ["digital_exports_share_pct", "digital_exports", "digital_reason"], ["digital_imports_share_pct", "digital_imports", "digital_reason"],
    ["sources_counted", "sources"], ["sources_gap_pct", "sources"],
  ];

  const startEconomy = () => {
    const known = Object.fromEntries(names());
    const stated = STW.state().e;
    let code = stated in known ? stated : "CHN" in known ? "CHN" : Object.keys(known)[0];
    const input = document.querySelector("#economy");
    const figure = document.querySelector("#history");
    let shown = { columns: [], rows: [] };
    const update = () => {
      STW.keep({ e: code });
      input.placeholder = `${known[code]} (${code})`;
      const columns = [`reporter_name_${language}`, "reporter", "period_label", "period_start", "value_usd_million", "source_label", "source", "vintage", "flow"];
      const rows = ["exports", "imports"].flatMap((flow) => rowsOf(STW.data.economies, [code], `${flow}_usd_million`).map((row) => [...row, flow]));
      shown = { columns, rows };
      const sources = Object.fromEntries(rows.map((row) => [row[columns.indexOf("source_label")], row[columns.indexOf("source")]]));
      const { columns: fields, rows: profiles } = STW.data.profiles;
      const row = profiles.find((one) => one[fields.indexOf("reporter")] === code);
      const of = (name) => row[fields.indexOf(fields.includes(name) ? name : `${name}_${language}`)];
      const section = document.querySelector("#profile");
      section.querySelector("h2").textContent = known[code];
      const cell = (content, attributes = {}) => STW.element("td", attributes, content);
      const lines = PROFILE.map(([name, from, why]) => {
        const value = of(name);
        const source = of(`${from}_source`);
        const missing = why && of(why) ? STW.word(of(why)) : STW.text(`no_${name}` in STW.data.texts.texts[language] ? `no_${name}` : "not_stated");
        const cells = value === null
          ? [cell(missing, { class: "long", colspan: "3" })]
          : [cell(STW.format(value, name), { class: typeof value === "number" ? "number" : "long" }), cell(of(`${from}_period`)), cell(STW.word(STW.data.profiles.sources[source] ?? source), { class: "long" })];
        return STW.element("tr", {}, STW.element("th", { scope: "row" }, STW.label(name)), ...cells);
      });
      const head = STW.element("tr", {}, ...["figure", "value", "year", "source"].map((key) => STW.element("th", { scope: "col" }, STW.text(key))));
      section.querySelector(".scroll").replaceChildren(STW.element("table", { class: "profile" }, STW.element("thead", {}, head), STW.element("tbody", {}, ...lines)));
      return showChart(figure, STW.text("economy_chart", { name: known[code] }), economySpec("value_usd_million", "source_label", "flow", sources), columns, rows);
    };
    const choose = () => {
      const chosen = codeOf(input.value);
      if (!chosen) return;
      code = chosen;
      input.value = "";
      update();
    };
    input.addEventListener("change", choose);
    document.querySelector("#chooser").addEventListener("submit", (event) => { event.preventDefault(); choose(); });
    STW.buttons(figure, () => shown);
    fillList();
    STW.redraw = update;
    return update();
  };

  /* --- one figure in the frame of another page: embed.html#c=china_trade&l=zh --- */

  const startEmbed = () => new Promise((resolve) => {
    const { c: id, l } = STW.state();
    if (!/^[a-z0-9_]+$/.test(id ?? "")) { location.replace("index.html"); return; }
    document.body.dataset.language = l === "zh" ? "zh" : "en";
    document.documentElement.lang = l === "zh" ? "zh-Hans" : "en";
    const script = STW.element("script", { src: `data/${id}.js` });
    script.onload = () => {
      const payload = STW.data[id];
      const spoken = STW.language();
      const figure = document.querySelector("figure");
      figure.querySelector("h1").textContent = document.title = payload.title[spoken];
      figure.querySelector(".unit").textContent = payload.unit[spoken];
      figure.querySelector(".note").textContent = payload.note?.[spoken] ?? "";
      figure.querySelector(".origins").textContent = payload.sources.map(STW.originText).join("");
      const box = figure.querySelector(".plot");
      box.setAttribute("aria-label", payload.title[spoken]);
      const spec = payload.specs[spoken];
      STW.redraw = () => spec ? STW.draw(box, spec, payload.columns, payload.rows) : box.replaceChildren(STW.table(payload.columns, payload.rows, payload.title[spoken], payload.below));
      if (!spec) box.removeAttribute("role");
      resolve(STW.redraw());
    };
    document.head.append(script);
  });

  /* --- the page --- */

  const figures = [...document.querySelectorAll("[data-figure]")];
  const starts = { compare: startCompare, economy: startEconomy, embed: startEmbed };
  const work = starts[document.body.dataset.page] ? [starts[document.body.dataset.page]()] : figures.map(startFigure);
  STW.ready = Promise.all(work).then(() => { document.body.dataset.ready = "yes"; });

  const redraw = () => (STW.redraw ? STW.redraw() : Promise.all(figures.map(drawFigure)));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let timer;
  addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const box = document.querySelector(".plot");
      if (box && box.drawnWidth !== box.clientWidth) redraw();
    }, 200);
  });

  for (const link of document.querySelectorAll("[data-permanent]")) link.href = STW.permanent(new URL(link.getAttribute("href"), location.href).href);
  for (const link of document.querySelectorAll("[data-keep-hash]")) {
    link.addEventListener("click", () => { link.href = link.getAttribute("href").split("#")[0] + location.hash; });
  }
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
})();
