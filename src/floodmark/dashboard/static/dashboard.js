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
        time.title = time.dateTime;
        time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
      }
    }
  }

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function drawMarks(marks) {
    return {
      hooks: {
        draw: [(u) => {
          const { ctx, bbox } = u;
          ctx.save();
          for (const mark of marks) {
            const x = u.valToPos(mark.at, "x", true);
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            ctx.strokeStyle = colour(mark.kind === "alert" || mark.kind === "oom-kill" ? "--bad" : "--mark");
            ctx.setLineDash(mark.kind === "alert" ? [] : [4, 4]);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
          }
          ctx.restore();
        }],
      },
    };
  }

  function draw() {
    const figure = main.querySelector("[data-chart]");
    if (plot) { plot.destroy(); plot = null; }
    if (!figure || typeof uPlot === "undefined") return;
    const data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    if (data.at.length < 2) return;
    const series = [
      {},
      { label: "Memory, MB", stroke: colour("--line"), width: 2, fill: colour("--fill"), value: (u, v) => v == null ? "–" : v.toFixed(0) },
    ];
    const columns = [data.at, data.mb];
    const shades = ["--route-1", "--route-2", "--route-3"];
    data.routes.slice(0, shades.length).forEach((route, index) => {
      const counts = new Map(route.at.map((at, i) => [at, route.count[i]]));
      const bins = [...counts.keys()];
      let next = 0;
      columns.push(data.at.map((at) => {
        while (next + 1 < bins.length && bins[next + 1] <= at) next += 1;
        return counts.get(bins[next]) ?? null;
      }));
      series.push({ label: route.name, stroke: colour(shades[index]), width: 1, scale: "requests", points: { show: false } });
    });
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--rule") }, ticks: { stroke: colour("--rule") } };
    figure.textContent = "";
    plot = new uPlot({
      width: figure.clientWidth,
      height: Math.max(220, Math.min(340, figure.clientWidth * 0.45)),
      series,
      scales: { y: { range: (u, low, high) => [0, high * 1.08 || 1] }, requests: { range: (u, low, high) => [0, high * 3 || 1] } },
      axes: [axis, { ...axis, size: 64 }, { ...axis, scale: "requests", side: 1, size: 44, grid: { show: false } }],
      plugins: [drawMarks(data.marks)],
    }, columns, figure);
    const canvas = figure.querySelector("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Memory from ${data.mb[0].toFixed(0)} to ${data.mb.at(-1).toFixed(0)} MB`);
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
    draw();
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    live.textContent = note;
  }

  function listen() {
    const stream = new EventSource("/events");
    let last = 0;
    stream.onmessage = (event) => {
      const news = JSON.parse(event.data);
      const note = `Round ${news.round}, ${new Date(news.at * 1000).toLocaleTimeString()}.`;
      // At most every two seconds, however short the rounds are.
      if (Date.now() - last < 2000) return;
      last = Date.now();
      refresh(note).catch(() => { live.textContent = "The watch does not answer."; });
    };
    stream.onerror = () => { live.textContent = "Not live: the connection is lost, trying again."; };
  }

  localTimes(document);
  draw();
  addEventListener("resize", () => { if (plot) plot.setSize({ width: main.querySelector("[data-chart]").clientWidth, height: plot.height }); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  if (!location.pathname.startsWith("/sign-in/")) listen();
})();
