const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()
const form = document.querySelector(".search")
const field = form.elements.q
const said = document.querySelector("[role=status]")
const rows = Array.from(document.querySelectorAll(".found > li"), (row) => [row, plain(row.textContent)])

function show() {
  const words = plain(field.value).split(/\s+/).filter(Boolean)
  for (const [row, text] of rows) row.hidden = !words.every((word) => text.includes(word))
  const n = rows.filter(([row]) => !row.hidden).length
  said.textContent = words.length ? `Found: ${n} of ${rows.length}` : ""
}

field.value = new URLSearchParams(location.search).get("q") || ""
field.addEventListener("input", show)
form.hidden = false
show()
