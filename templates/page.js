// What a reader can do with a page: sort, filter and copy tables, ask marks what they are, hide lines,
// and save figures. All of the page can be read without it, so the controls are made here. It has to
// stay below 5 kB. page.min.js is this file without what a browser does not need (CONTRIBUTING.md).
// $: finds elements; make: makes one; tell: what is written in one.
const $ = (what, root = document) => [...root.querySelectorAll(what)]
const make = (tag, more, ...inside) => {
  const el = Object.assign(document.createElement(tag), more)
  el.append(...inside)
  return el
}
const button = (words, onclick) => make("button", { onclick }, words)
const tools = (...inside) => make("div", { className: "ours" }, ...inside)
const tell = (el) => el.textContent.trim()

// A view is kept behind the # of the address: TABLE is how a table is sorted, TABLE.COLUMN what is
// chosen there. Anchors have no "=".
const view = new URLSearchParams(location.hash.slice(1))
const keep = (key, value) => {
  view.set(key, value)
  history.replaceState(0, 0, "#" + view)
}
onhashchange = () => /=/.test(location.hash) && location.reload()

// What is copied. `n` says which columns hold numbers: those are ours, and need no escapes.
const latex = (own) => own.replace(/^\W\xa0/, "").replace(/[{}$&%#_~^\\<>|[*−]/g, (c) => (/[\\<>|[*−]/.test(c)
  ? `{$${{ "−": "-", "\\": "\\backslash" }[c] ?? c}$}` : "\\" + c + (/[~^]/.test(c) ? "{}" : ""))).replace(/\u202f/g, "\\,")
const formats = {
  Markdown: (rows, n) => {
    rows = rows.map((row) => `| ${row.map((own, i) => own.replace(n[i] ? /\|/g : /[\\|`*_<[~$]/g, "\\$&")).join(" | ")} |`)
    rows.splice(1, 0, `|${n.map((own) => (own ? "--:|" : "--|")).join("")}`)
    return rows.join("\n")
  },
  // Words that a spreadsheet would run as a formula have an apostrophe before them.
  CSV: (rows, n) => rows.map((row, at) => row.map((own, i) => {
    if (!at || !n[i]) own = own.replace(/^'*[=+@＝＋－＠-]/,"'$&")
    return `"${own.replace(/"/g, '""')}"`
  })).join("\n"),
  LaTeX: (rows, n) => {
    const [head, ...lines] = rows.map((row) => row.map(latex).join(" & ") + " \\\\")
    return `\\begin{tabular}{${n.map((own) => "lr"[+own]).join("")}}\n\\toprule\n${head}\n\\midrule\n${lines.join("\n")}\n\\bottomrule\n\\end{tabular}`
  },
}

for (const table of $(".scroll>table:not(.rest *)")) {
  const scroll = table.parentNode, rest = scroll.nextElementSibling, [body] = table.tBodies, id = table.id
  const heads = $("thead th", table), names = heads.map(tell), n = heads.map((own) => own.matches(".n"))
  let most = 1 / 0, by = +(id && view.get(id))
  // The rows that fold away become rows of the same table, so that all of them are sorted.
  if (rest?.matches(".rest")) {
    most = body.rows.length
    body.append(...$("tbody tr", rest))
    rest.remove()
  }
  const rows = [...body.rows], said = make("span", { role: "status" }), filters = []
  const more = button("", () => show((most = 1 / 0)))
  const show = () => {
    let found = 0
    for (const row of body.rows) {
      row.hidden = filters.some(([i, own]) => own.value && own.value !== tell(row.cells[i]))
      row.className = (found += !row.hidden) > most ? "more" : ""
    }
    said.textContent = `${found} of ${rows.length} rows`
    more.hidden = found <= most
    more.textContent = `All ${found} rows`
  }
  // By the number of a column, from 1, and from its largest on if that is negative. What is unknown
  // comes last.
  const sort = () => {
    const at = Math.abs(by) - 1
    const value = ({ cells: { [at]: own } }) => {
      const words = own.dataset.v ?? tell(own).replace(/−/g, "-").replace(/\u202f(?=\d)/g, "")
      return n[at] || own.dataset.v ? parseFloat(words.replace(/^[^\d-]+/, "")) : words === "–" ? NaN : words
    }
    const order = (a, b) => (a !== a) - (b !== b) || by * (a.trim ? a.localeCompare(b, "en", { numeric: true }) : a - b) || 0
    body.append(...(heads[at] ? rows.toSorted((a, b) => order(value(a), value(b))) : rows))
    heads.map((own, i) => (own.ariaSort = i - at ? null : by > 0 ? "ascending" : "descending"))
    show()
  }
  if (rows[1]) heads.map((own, i) => own.replaceChildren(button(names[i], () => {
    by = by === i + 1 ? ~i : by === ~i ? 0 : i + 1
    sort()
    id && keep(id, by)
  })))
  if (id && rows[5]) heads.map((own, i) => {
    const levels = [...new Set(rows.map((row) => tell(row.cells[i])).filter(Boolean))], key = id + "." + names[i]
    if (n[i] || !levels[1] || levels[16] || levels.length === rows.length) return
    const field = make("select", { onchange: () => show(keep(key, field.value)) }, new Option("all", ""), ...levels.map((own) => new Option(own)))
    field.value = view.get(key) ?? ""
    filters.push([i, field])
  })
  if (filters[0]) scroll.before(tools(...filters.map(([i, own]) => make("label", {}, names[i], own)), said))
  scroll.after(tools(more, "Copy as", ...Object.keys(formats).map((name) => button(name, async ({ target }) => {
    const own = formats[name]($("tr:not([hidden])", table).map((row) => [...row.cells].map(tell)), n)
    await navigator.clipboard.writeText(own)
    target.textContent = name + " ✓"
  }))))
  sort()
}

const tip = make("p", { className: "tip", role: "status" })
document.body.append(tip)
for (const figure of $("figure:has(.wide)")) {
  const drawn = $(".wide,.narrow", figure), key = $("[id]", figure)[0]?.id, lines = [], names = new Set()
  for (const svg of drawn) {
    const marks = $("[data-says]", svg).flatMap((g) => {
      const [head, line, ...each] = g.dataset.says.split("\t")
      if (line) names.add(head).add(line), lines.push([g, head, line])
      return $("use,:not(defs)>path", g).map((el, i) => ({ el, g, words: [head, line, each[i]].filter(Boolean).join(", ") }))
    })
    if (!marks[0]) continue
    let now
    // Where a mark is: a dot in one place, a line in several.
    const places = ({ el }) => [..."02468"].map((i) => (el.x
      ? new DOMPoint(el.x.baseVal.value, el.y.baseVal.value)
      : el.getPointAtLength(el.getTotalLength() * i / 8)).matrixTransform(el.getScreenCTM()))
    const show = (own) => {
      now?.el.classList.remove("now")
      now = own
      tip.textContent = own?.words
      if (!own) return
      own.el.classList.add("now")
      const { x, y } = places(own)[2]
      tip.style.left = Math.min(x, innerWidth - tip.offsetWidth - 9) + "px"
      tip.style.top = y + 14 + "px"
    }
    const live = () => marks.filter(({ g }) => !g.matches(".off"))
    const leave = () => show()
    Object.assign(svg, { tabIndex: 0, role: "application", onmouseleave: leave, onblur: leave, onmousemove(at) {
      let best = 25, found
      for (const own of live()) for (const { x, y } of places(own)) {
        const d = Math.hypot(x - at.x, y - at.y)
        if (d < best) [best, found] = [d, own]
      }
      show(found)
    }, onkeydown(own) {
      const all = live(), key = own.key, step = /wR|wD/.test(key) - /wL|wU/.test(key)
      if (key === "Escape") show()
      if (step) show(all.at((all.indexOf(now) + step) % all.length), own.preventDefault())
    } })
  }
  const save = (href, kind) => make("a", { href, download: key + kind }).click()
  // A picture has the colours that the page has now.
  const picture = () => {
    const svg = drawn.find((own) => own.getClientRects()[0]).cloneNode(true), css = getComputedStyle(document.body)
    $(".off", svg).map((own) => own.remove())
    svg.setAttribute("font-family", css.fontFamily)
    return "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(svg)
      .replace(">", '><rect width="100%" height="100%" fill="var(--paper)"/>').replace(/"var\((--\w+)\)"/g, (_, name) => `"${css.getPropertyValue(name)}"`))
  }
  const bar = tools("Save as", button("SVG", () => save(picture(), ".svg")), button("PNG", async () => {
    const image = make("img", { src: picture() })
    await image.decode()
    const width = 2 * image.width, height = 2 * image.height, canvas = make("canvas", { width, height })
    canvas.getContext("2d").drawImage(image, 0, 0, width, height)
    save(canvas.toDataURL(), ".png")
  }))
  // A mark is hidden with its line or with its arm.
  const fields = [...names].map((value) => make("input", { type: "checkbox", checked: true, value, onchange: () => lines.map(([g, ...of]) =>
    g.classList.toggle("off", fields.some((own) => !own.checked && of.includes(own.value)))) }))
  figure.append(bar)
  if (fields[0]) bar.append(make("details", {}, make("summary", {}, "Choose lines"), ...fields.map((own) => make("label", {}, own, own.value))))
}

// A link to a view leads to its first table or figure.
document.getElementById((view + "").split(/[.=]/)[0])?.scrollIntoView()
