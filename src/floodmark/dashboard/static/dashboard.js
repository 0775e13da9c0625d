// Keeps a page up to date, draws its chart, and shows times in the reader's own zone. Every page reads without it.
"use strict";

(() => {
  const main = document.getElementById("main");
  const live = document.getElementById("live");
  let plot = null;

  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(time.dateTime);
      if (!Number.isNaN(moment.valueOf())) {
        time.title = time.dateTime.replace("T", " ").replace("Z", " UTC");
        time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
      }
    }
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  const GRAVE = new Set(["alert", "oom-kill"]);

  // A line and a word for each thing that happened; words that would run into each other are left to the list below.
  function drawMarks(marks) {
    return {
      hooks: {
        draw: [(u) => {
          const { ctx, bbox } = u;
          const ratio = devicePixelRatio || 1;
          let free = -Infinity;
          ctx.save();
          ctx.font = `${11 * ratio}px system-ui, sans-serif`;
          for (const mark of marks) {
            const x = u.valToPos(mark.at, "x", true);
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            ctx.strokeStyle = ctx.fillStyle = colour(GRAVE.has(mark.kind) ? "--bad" : "--faint");
            ctx.lineWidth = ratio;
            ctx.setLineDash(GRAVE.has(mark.kind) ? [] : [4 * ratio, 4 * ratio]);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            const width = ctx.measureText(mark.kind).width;
            const left = Math.min(x + 4 * ratio, bbox.left + bbox.width - width);
            if (left < free) continue;
            ctx.fillText(mark.kind, left, bbox.top + 11 * ratio);
            free = left + width + 8 * ratio;
          }
          ctx.restore();
        }],
        // With no pointer on the chart the legend shows the last values, not dashes.
        ready: [(u) => u.setLegend({ idx: u.data[0].length - 1 })],
        setCursor: [(u) => { if (u.cursor.left < 0) u.setLegend({ idx: u.data[0].length - 1 }); }],
      },
    };
  }

  function draw() {
    const figure = main.querySelector("[data-chart]");
    if (plot) { plot.destroy(); plot = null; }
    if (!figure || typeof uPlot === "undefined") return;
    const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const known = data.mb.filter((value) => value !== null);
    if (known.length < 2) return;
    const narrow = figure.clientWidth < 520;
    const number = (unit, digits) => (u, v) => (v == null ? "–" : `${v.toLocaleString(undefined, { maximumFractionDigits: digits })} ${unit}`);
    const series = [
      { label: "Time", value: (u, v) => (v == null ? "–" : new Date(v * 1000).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })) },
      { label: "Memory", stroke: colour("--line"), width: 2, fill: colour("--fill"), points: { show: false }, value: number("MB", 0) },
    ];
    const columns = [data.at, data.mb];
    const shades = ["--route-1", "--route-2", "--route-3"];
    data.routes.forEach((route, index) => {
      columns.push(route.per_minute);
      series.push({ label: route.name, stroke: colour(shades[index]), width: 1, scale: "requests", points: { show: false }, value: number("/min", 1) });
    });
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
    const axes = [
      { ...axis, values: (u, ticks, n, space, step) => ticks.map((tick) => clock(tick, step)) },
      { ...axis, size: 56, label: "MB", labelSize: 18 },
    ];
    if (data.routes.length) axes.push({ ...axis, scale: "requests", side: 1, size: narrow ? 44 : 52, label: "requests a minute", labelSize: 20, grid: { show: false } });
    figure.textContent = "";
    plot = new uPlot({
      width: figure.clientWidth - 28,
      height: Math.max(240, Math.min(340, figure.clientWidth * 0.45)),
      series,
      scales: {
        x: { range: () => [data.since, data.until] },
        y: { range: (u, low, high) => [0, high * 1.12 || 1] },
        requests: { range: (u, low, high) => [0, high * 3 || 1] },
      },
      axes,
      plugins: [drawMarks(data.marks)],
    }, columns, figure);
    const canvas = figure.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Memory from ${known[0].toFixed(0)} to ${known.at(-1).toFixed(0)} MB`);
  }

  // The reader's own time; the words below the chart say which zone that is.
  function clock(seconds, step) {
    const moment = new Date(seconds * 1000);
    return step >= 86400
      ? moment.toLocaleDateString(undefined, { day: "numeric", month: "short" })
      : moment.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", ...(step < 60 && { second: "2-digit" }) });
  }

  function zone() {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (const place of document.querySelectorAll("[data-zone]")) place.textContent = name === "UTC" ? "UTC" : `your time (${name})`;
  }

  function isChanged(field) {
    return field.matches("select") ? field.selectedIndex > 0 : field.value !== field.defaultValue;
  }

  function busy() {
    const active = document.activeElement;
    return main.querySelector("details[open]")
      || (active && main.contains(active) && active.matches("input, select, button, textarea"))
      || [...main.querySelectorAll("input, select, textarea")].some(isChanged);
  }

  async function refresh(note) {
    if (document.hidden || busy()) return;
    const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
    if (!answer.ok || answer.redirected) return;
    const text = await answer.text();
    // Somebody may have begun to type while the answer was on its way.
    if (busy()) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement && document.activeElement.getAttribute("href");
    main.replaceChildren(...page.getElementById("main").childNodes);
    localTimes(main);
    zone();
    draw();
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    live.textContent = note;
  }

  function listen() {
    const stream = new EventSource("/events");
    let shown = Number(live.dataset.round);
    let last = 0;
    let due = null;
    function show(news) {
      shown = news.round;
      last = Date.now();
      refresh(`Round ${news.round}, ${new Date(news.at * 1000).toLocaleTimeString()}.`)
        .catch((error) => { console.error(error); live.textContent = "The watch does not answer."; });
    }
    stream.onmessage = (event) => {
      const news = JSON.parse(event.data);
      // A stream begins with the round that the page was made of.
      if (news.round === shown) return;
      // At most every two seconds, however short the rounds are; what comes too soon is shown when its time has come.
      clearTimeout(due);
      due = setTimeout(show, Math.max(last + 2000 - Date.now(), 0), news);
    };
    stream.onerror = () => { live.textContent = "Not live: the connection is lost, trying again."; };
  }

  localTimes(document);
  zone();
  draw();
  addEventListener("resize", () => { if (plot) plot.setSize({ width: main.querySelector("[data-chart]").clientWidth - 28, height: plot.height }); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // A page without its footer belongs to somebody who has not signed in.
  if (live) listen();
})();
