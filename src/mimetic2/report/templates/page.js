"use strict";
// Charts: hover, tap or arrow keys name the nearest point. Without this script the points keep their native titles.
for (const box of document.querySelectorAll("[data-chart]")) {
  const tip = box.querySelector(".tip");
  const live = box.querySelector("[data-live]");
  const marks = new Map();
  for (const svg of box.querySelectorAll("svg.chart")) {
    const list = [];
    for (const node of svg.querySelectorAll(".points > *")) {
      const title = node.querySelector("title");
      list.push({ node, text: title.textContent });
      title.remove();
    }
    marks.set(svg, list);
  }
  let current = null;
  const visible = () => [...marks.keys()].find((svg) => svg.getBoundingClientRect().width > 0);
  const middle = (mark) => {
    const frame = mark.node.getBoundingClientRect();
    return [frame.left + frame.width / 2, frame.top + frame.height / 2];
  };
  const hide = () => {
    if (current) current.node.classList.remove("on");
    current = null;
    tip.hidden = true;
  };
  const show = (mark, speak) => {
    if (mark !== current) {
      hide();
      current = mark;
      mark.node.classList.add("on");
      const [first, ...rest] = mark.text.split("\n");
      const strong = document.createElement("b");
      strong.textContent = first;
      tip.replaceChildren(strong, document.createElement("br"), document.createTextNode(rest.join(" ")));
      if (speak) live.textContent = mark.text;
    }
    tip.hidden = false;
    const frame = box.getBoundingClientRect();
    const [x, y] = middle(mark);
    const half = tip.offsetWidth / 2;
    tip.style.left = Math.min(Math.max(x - frame.left, half), frame.width - half) + "px";
    const above = y - frame.top - tip.offsetHeight - 12;
    tip.style.top = (above > -tip.offsetHeight ? above : y - frame.top + 12) + "px";
  };
  const nearest = (event) => {
    let best = null;
    let least = 28 * 28;
    for (const mark of marks.get(visible()) || []) {
      const [x, y] = middle(mark);
      const distance = (x - event.clientX) ** 2 + (y - event.clientY) ** 2;
      if (distance < least) [best, least] = [mark, distance];
    }
    return best;
  };
  const point = (event) => {
    const mark = nearest(event);
    if (mark) show(mark, false);
    else hide();
  };
  box.addEventListener("pointermove", point);
  box.addEventListener("pointerdown", point);
  box.addEventListener("pointerleave", hide);
  box.addEventListener("blur", hide);
  window.addEventListener("resize", hide);
  box.addEventListener("keydown", (event) => {
    const list = marks.get(visible()) || [];
    const at = list.indexOf(current);
    const to = { ArrowRight: at + 1, ArrowLeft: at < 0 ? list.length - 1 : at - 1, Home: 0, End: list.length - 1 }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined || !list.length) return;
    event.preventDefault();
    show(list[Math.min(Math.max(to, 0), list.length - 1)], true);
  });
}

// Tables: a button in a heading sorts by its column, again turns the order round; empty cells stay last.
for (const table of document.querySelectorAll("[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.v !== undefined) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
    return cell.textContent.trim() || null;
  };
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keyed = [...body.rows].map((row) => [value(row, column), row]);
      keyed.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return down ? -order : order;
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
  const input = document.querySelector("#find");
  const found = document.querySelector("[data-found]");
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const rows = [...body.rows].map((row) => [row, plain(row.textContent)]);
  if (input) input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    let number = 0;
    for (const [row, text] of rows) {
      row.hidden = !text.includes(wanted);
      if (!row.hidden) number += 1;
    }
    found.textContent = wanted ? number + " of " + rows.length : "";
  });
}

// A count that the reader types in, read off the curves as `mimetic2 predict` does; nothing outside the observed counts.
for (const form of document.querySelectorAll("[data-lookup]")) {
  const curves = JSON.parse(form.dataset.lookup);
  const input = form.querySelector("input");
  const answer = form.querySelector("[data-answer]");
  const place = (count) => Math.log10(1 + count);
  const read = ([counts, ...columns], count) => {
    if (count < counts[0] || count > counts[counts.length - 1]) return null;
    const above = Math.max(counts.findIndex((other) => other >= count), 1);
    const [left, right] = [place(counts[above - 1]), place(counts[above])];
    const share = (place(count) - left) / (right - left);
    return columns.map((column) => column[above - 1] + share * (column[above] - column[above - 1]));
  };
  const tell = () => {
    const count = input.value.trim() === "" ? NaN : Number(input.value);
    if (!(count >= 0)) return void (answer.textContent = "Type a number from 0.");
    const score = read(curves.score, count);
    if (!score) {
      const ends = [curves.score[0][0], curves.score[0][curves.score[0].length - 1]];
      return void (answer.textContent = "No statement: the observed counts go from " + ends.join(" to ") + ".");
    }
    const [middle, low, high] = score.map((value) => value.toFixed(3).replace("-", "\u2212"));
    let text = "Expected score " + middle + " (" + low + " to " + high + ").";
    const ranked = curves.identified && read(curves.identified, count);
    if (ranked) {
      const [p, least, most] = ranked.map((value) => Math.round(100 * value));
      text += " Identified with a probability of " + p + "\u202f% (" + least + " to " + most + "\u202f%).";
    }
    answer.textContent = text;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  input.addEventListener("input", tell);
  tell();
}

for (const fold of document.querySelectorAll("details")) {
  window.addEventListener("beforeprint", () => { fold.open = true; });
}
