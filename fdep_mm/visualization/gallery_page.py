"""The page of a gallery: markup, style and script, without any image."""

from string import Template

# The policy keeps the page off the network, whatever is in it.
PAGE_HEAD = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
 img-src data: file: 'self'; style-src 'unsafe-inline';
 script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 78rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
.legend b { padding: 0 .3em; border-radius: .2em; color: #000; }
form { display: flex; flex-wrap: wrap; gap: .4rem 1rem; padding: .6rem 0; }
table { border-collapse: collapse; width: 100%; }
thead { position: sticky; top: 0; background: Canvas;
  box-shadow: 0 2px GrayText; }
th button { font: inherit; font-weight: 600; background: none; border: 0;
  color: inherit; cursor: pointer; white-space: nowrap; }
th button::after { content: ' \\2195'; opacity: .35; }
th[aria-sort=ascending] button::after { content: ' \\2191'; opacity: 1; }
th[aria-sort=descending] button::after { content: ' \\2193'; opacity: 1; }
tbody td { border-bottom: 1px solid GrayText; padding: .4rem .5rem;
  text-align: right; font-variant-numeric: tabular-nums; }
td.picture, td.name { text-align: left; }
td.name { overflow-wrap: anywhere; min-width: 7em; }
td.picture img { display: block; max-width: min(30rem, 45vw); height: auto; }
td.bad { font-weight: 700; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$summary</p>
<p class="legend"><b style="background:$hit">hit</b>
<b style="background:$miss">miss</b>
<b style="background:$false_alarm">false alarm</b>
<b style="background:$detection">detection that hit (close-ups)</b></p>
<noscript><p>Sorting and filtering need JavaScript.</p></noscript>
<form id="filter" onsubmit="return false">
<label>name <input id="text" type="search" placeholder="part of it"></label>
<label>show <select id="kind">
<option value="all">all</option>
<option value="misses">with misses</option>
<option value="false">with false alarms</option>
<option value="faults">with misses or false alarms</option>
<option value="clean">without either</option>
<option value="empty">without targets</option>
</select></label>
<label>IoU at most <input id="most" type="number" min="0" max="100"
 step="1" placeholder="100"> %</label>
<output id="shown"></output>
</form>
<table>
<thead><tr><td></td>$headers</tr></thead>
<tbody id="rows">
""")

PAGE_TAIL = Template("""</tbody>
</table>
$failures
<script>
'use strict';
const body = document.getElementById('rows');
const rows = Array.from(body.rows);
const shown = document.getElementById('shown');
const text = document.getElementById('text');
const kind = document.getElementById('kind');
const most = document.getElementById('most');
const heads = Array.from(document.querySelectorAll('th[data-key]'));
const natural = new Intl.Collator('en', {numeric: true});
const value = (row, key) => Number(row.dataset[key]);
const byName = (a, b) => natural.compare(a.dataset.name, b.dataset.name);

function sortBy(head, down) {
  const key = head.dataset.key;
  const sign = down ? -1 : 1;
  rows.sort((a, b) => key === 'name' ? sign * byName(a, b)
    : sign * (value(a, key) - value(b, key)) || byName(a, b));
  for (const other of heads) other.removeAttribute('aria-sort');
  head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  body.append(...rows);
}
for (const head of heads) {
  head.firstElementChild.addEventListener('click', () => {
    const now = head.getAttribute('aria-sort');
    sortBy(head, now ? now === 'ascending' : head.dataset.first === 'down');
  });
}

const KINDS = {
  all: () => true,
  misses: row => value(row, 'misses') > 0,
  false: row => value(row, 'false') > 0,
  faults: row => value(row, 'misses') + value(row, 'false') > 0,
  clean: row => value(row, 'misses') + value(row, 'false') === 0,
  empty: row => value(row, 'targets') === 0,
};
function filter() {
  const part = text.value.trim().toLowerCase();
  const limit = most.value === '' ? 100 : Number(most.value);
  let count = 0;
  for (const row of rows) {
    const there = row.dataset.name.toLowerCase().includes(part)
      && KINDS[kind.value](row) && value(row, 'iou') <= limit;
    row.hidden = !there;
    count += there;
  }
  shown.value = count + ' of ' + rows.length + ' images';
}
for (const control of [text, kind, most])
  control.addEventListener('input', filter);
filter();
</script>
</body>
</html>
""")
