// Audits a built site: Lighthouse on desktop and phone, axe in light and dark, and all links.
//
//     npm install --no-save lighthouse axe-core puppeteer-core
//     node bench/audit.mjs site index.html search.html
//     node bench/audit.mjs --axe site docs/index.html    # without Lighthouse, which takes minutes
//
// Chromium is found in CHROME_PATH or /usr/bin/chromium. The exit code is 1 if anything falls short.
import { createReadStream, existsSync, readFileSync, readdirSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { dirname, extname, join, normalize, posix, resolve } from "node:path"
import { createGzip } from "node:zlib"

import puppeteer from "puppeteer-core"

const quick = process.argv[2] === "--axe"
const [site, ...pages] = process.argv.slice(quick ? 3 : 2)
const { default: lighthouse, desktopConfig } = quick ? {} : await import("lighthouse")
const constants = quick ? { throttling: {} } : await import("lighthouse/core/config/constants.js")
const root = resolve(site)
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8")
const KINDS = { ".html": "text/html", ".svg": "image/svg+xml", ".png": "image/png", ".xml": "text/xml",
  ".json": "application/json", ".txt": "text/plain", ".csv": "text/csv", ".md": "text/markdown",
  ".css": "text/css", ".js": "text/javascript" }
const SIZES = { desktop: { width: 1200, height: 900 }, phone: { width: 390, height: 844, isMobile: true } }
const RUNS = 5
const PHONE_INDEX = 375
const { mobileSlow4G, desktopDense4G } = constants.throttling
let shortfalls = 0

function report(good, words) {
  if (!good) shortfalls += 1
  console.log(`${good ? "ok  " : "FAIL"} ${words}`)
}

// Static hosts compress, so this server does.
const server = createServer((request, response) => {
  const path = decodeURIComponent(new URL(request.url, "http://x").pathname)
  const file = normalize(join(root, path.endsWith("/") ? `${path}index.html` : path))
  if (!file.startsWith(root) || !existsSync(file) || statSync(file).isDirectory()) {
    response.writeHead(404).end()
    return
  }
  const kind = KINDS[extname(file)] || "application/octet-stream"
  response.writeHead(200, { "Content-Type": `${kind}; charset=utf-8`, "Content-Encoding": "gzip", "Cache-Control": "max-age=600" })
  createReadStream(file).pipe(createGzip()).pipe(response)
})

// A busy machine makes a page slower and never faster, so the best of a few runs counts. A phone is
// simulated by a slower processor: by so much as Lighthouse's guide to throttling says for the speed
// that it measured here (an index of 375 is a phone of the middle class).
async function scores(url, port, name, config) {
  let best = []
  let names = ""
  let cpuSlowdownMultiplier = name === "phone" ? 2 : 1
  for (let run = 0; run < RUNS && sum(best) < 400; run += 1) {
    const throttling = { ...(name === "phone" ? mobileSlow4G : desktopDense4G), cpuSlowdownMultiplier }
    const { lhr } = await lighthouse(url, { port, logLevel: "error", output: "json", throttling }, config)
    const found = Object.values(lhr.categories).map((own) => Math.round(100 * own.score))
    if (name === "phone") cpuSlowdownMultiplier = Math.max(1, lhr.environment.benchmarkIndex / PHONE_INDEX)
    if (sum(found) <= sum(best)) continue
    best = found
    names = Object.values(lhr.audits).filter((own) => own.score !== null && own.score < 0.9).map((own) => own.id).join(", ")
  }
  report(sum(best) === 400, `lighthouse ${name} ${best.join(" ")} ${url} ${names}`)
}

function sum(numbers) {
  return numbers.reduce((total, own) => total + own, 0)
}

async function violations(browser, url, name, scheme) {
  const page = await browser.newPage()
  await page.setBypassCSP(true)
  await page.setViewport(SIZES[name])
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }])
  await page.goto(url)
  await page.evaluate(() => document.querySelectorAll("details").forEach((own) => { own.open = true }))
  await page.evaluate(axe)
  const found = await page.evaluate(() => axe.run())
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
  const words = found.violations.map((own) => `${own.id} (${own.nodes[0].target})`).join(", ")
  report(found.violations.length === 0 && !wide, `axe ${name} ${scheme} ${url} ${words}${wide ? " scrolls sideways" : ""}`)
  await page.close()
}

function links() {
  const names = readdirSync(root, { recursive: true }).map(String).filter((own) => own.endsWith(".html"))
  const ids = new Map(names.map((own) => [own, new Set(Array.from(text(own).matchAll(/ id="([^"]+)"/g), (found) => found[1]))]))
  let n = 0
  for (const name of names) {
    for (const [, raw] of text(name).matchAll(/ (?:href|src|action)="([^"]+)"/g)) {
      const target = raw.replaceAll("&amp;", "&")
      if (/^(https?|data|mailto):/.test(target)) continue
      const [path, anchor] = target.split("#")
      const file = path ? posix.join(dirname(name), decodeURIComponent(path.split("?")[0])) : name
      n += 1
      const there = existsSync(join(root, file)) && (!anchor || ids.get(file)?.has(decodeURIComponent(anchor)))
      if (!there) report(false, `link ${name} → ${target}`)
    }
  }
  report(n > 0, `${n} links of ${names.length} pages were followed`)
}

function text(name) {
  return readFileSync(join(root, name), "utf-8")
}

links()
await new Promise((ready) => server.listen(Number(process.env.PORT || 0), "127.0.0.1", ready))
const home = `http://127.0.0.1:${server.address().port}/`
const browser = await puppeteer.launch({ executablePath: process.env.CHROME_PATH || "/usr/bin/chromium", args: ["--no-sandbox"] })
const port = Number(new URL(browser.wsEndpoint()).port)
for (const path of pages) {
  for (const name of Object.keys(SIZES))
    for (const scheme of ["light", "dark"]) await violations(browser, home + path, name, scheme)
  if (quick) continue
  await scores(home + path, port, "desktop", desktopConfig)
  await scores(home + path, port, "phone")
}
await browser.close()
server.close()
process.exit(shortfalls ? 1 : 0)
