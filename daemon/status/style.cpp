#include <fmt/format.h>

#include "daemon/base/text.hpp"
#include "daemon/status/page.hpp"

namespace qw::status {
namespace {

constexpr std::string_view kStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #f7f7f4; --sheet: #ffffff; --ink: #1d2327; --soft: #5c666d; --line: #e0e2dd; --link: #0b5394;
  --good: #1a6b34; --part: #7c5200; --bad: #a8141c; --good-wash: #e9f4ec; --part-wash: #fbf1dc; --bad-wash: #fbe7e6;
  --h0: #e6f2ea; --h1: #d3ebf0; --h2: #cfdff5; --h3: #e7dcf4; --h4: #fbe3c3; --h5: #f7c9c0;
  --shade: 0 1px 2px rgb(0 0 0 / .06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181b; --sheet: #1d2327; --ink: #e6e9ea; --soft: #a0abb1; --line: #323b40; --link: #8fc3f5;
    --good: #7fd49a; --part: #ecc06a; --bad: #ff9a93; --good-wash: #1b2e22; --part-wash: #352b16; --bad-wash: #3a1f1f;
    --h0: #1d3325; --h1: #173740; --h2: #1d3253; --h3: #3a2b52; --h4: #55401a; --h5: #5f2620;
    --shade: none;
  }
}
*, ::before, ::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 76rem; padding: .75rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
p, h1, h2, h3, ul, ol, dl, dd { margin: 0; padding: 0; }
.skip { position: absolute; left: -100vw; padding: .5rem 1rem; background: var(--sheet); z-index: 1; }
.skip:focus { left: .5rem; top: .5rem; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1rem; padding: .15rem 0 .6rem; }
header .name { font-weight: 650; letter-spacing: -.01em; }
header .name a { color: inherit; text-decoration: none; }
h1 { font-size: 1.45rem; line-height: 1.25; padding: .25rem 0 1rem; font-weight: 500; }
h2 { font-size: 1.12rem; line-height: 1.3; font-weight: 650; margin-bottom: .35rem; }
h3 { font-size: .95rem; line-height: 1.4; font-weight: 600; margin: .9rem 0 .3rem; }
.soft, .age, .more, .system, .since { color: var(--soft); }
.soft, .age, .more, .since, .alerting { font-size: .875rem; font-weight: 400; }
.system { font-weight: 400; }
.age { white-space: nowrap; }
time { font-variant-numeric: tabular-nums; }
section { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem 1.1rem; margin-bottom: 1rem; box-shadow: var(--shade); }

#wrong { border-width: 1px 1px 1px 6px; }
#wrong.good { border-color: var(--good); background: var(--good-wash); }
#wrong.warning { border-color: var(--part); }
#wrong.critical { border-color: var(--bad); }
#wrong h2 { font-size: 1.4rem; letter-spacing: -.01em; margin-bottom: .1rem; }
#wrong.good .mark { color: var(--good); }
#wrong.warning h2 .mark { color: var(--part); }
#wrong.critical h2 .mark { color: var(--bad); }
.cards { list-style: none; display: grid; gap: .7rem; margin-top: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); }
.card { border-radius: 8px; padding: .65rem .85rem .75rem; background: var(--part-wash); }
.card.critical { background: var(--bad-wash); }
.behind { margin-top: .4rem; }
.card h3 { margin: 0 0 .15rem; }
.card a { color: inherit; }
.card .what { font-size: 1.02rem; line-height: 1.4; margin-top: .25rem; }
.card .alerting { color: var(--soft); margin-top: .25rem; }
.badge { font-size: .8rem; font-weight: 650; white-space: nowrap; margin-right: .25rem; }
.badge.critical { color: var(--bad); }
.badge.warning { color: var(--part); }
.badge.info { color: var(--soft); }
.unknown { font-style: italic; }
.good { color: var(--good); } .part { color: var(--part); } .bad { color: var(--bad); }
section.good { color: inherit; }

table { border-collapse: collapse; width: 100%; margin-top: .5rem; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem 1rem .5rem 0; border-top: 1px solid var(--line); overflow-wrap: break-word; max-width: 30rem; }
/* A word without end may be wider than its column; then the section scrolls, and the page does not. */
section { overflow-x: auto; }
thead th { border: 0; color: var(--soft); font-weight: 500; font-size: .82rem; padding-bottom: .2rem; }
th[scope=row] { font-weight: 400; }
th strong { font-weight: 600; }
.member { font-weight: 600; }
th .system + strong { font-weight: 600; }
.number { font-variant-numeric: tabular-nums; }
.more { margin-top: .5rem; }
td .soft, .what .soft { margin-top: .1rem; }

.matrix td.heat { padding-left: .6rem; border-left: 2px solid var(--sheet); }
.matrix td.heat + td:not(.heat) { padding-left: .8rem; }
.heat.h0 { background: var(--h0); } .heat.h1 { background: var(--h1); } .heat.h2 { background: var(--h2); }
.heat.h3 { background: var(--h3); } .heat.h4 { background: var(--h4); } .heat.h5 { background: var(--h5); }
.heat.none { color: var(--soft); }
.legend { margin-top: .6rem; display: flex; flex-wrap: wrap; gap: .3rem; align-items: baseline; }
.legend .heat { color: var(--ink); padding: 0 .45rem; border-radius: 4px; }

.spark { display: block; max-width: 100%; }
.spark path { fill: none; stroke: var(--link); stroke-width: 1.6; stroke-linejoin: round; }
.axis { display: block; width: 100%; max-width: 44rem; margin: .3rem 0 .5rem; }
.axis .band { fill: var(--good-wash); }
.axis .zero { stroke: var(--soft); stroke-dasharray: 2 3; }
.axis text { fill: var(--soft); font-size: 12px; }
.axis g line { stroke: currentColor; stroke-width: 3; stroke-linecap: round; }
.axis g circle { fill: currentColor; }
.plain, .events, .links, .just { list-style: none; }
#wrong h3.soft { margin: .8rem 0 .1rem; }
.just li { font-size: .93rem; line-height: 1.4; padding: .15rem 0; }
.just a { color: inherit; }
.clocks .plain li { font-size: .93rem; padding: .1rem 0; }
.clock-grid { display: grid; gap: .4rem 2.5rem; grid-template-columns: repeat(auto-fill, minmax(min(30rem, 100%), 1fr)); }
.by-system { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.4rem; align-items: baseline; margin: .8rem 0 .6rem; }
.by-system h3 { margin: 0; font-weight: 500; color: var(--soft); }
.links { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .93rem; }
.links a { text-decoration: none; } .links .bad a, .links .part a { color: inherit; font-weight: 600; } .links a:hover { text-decoration: underline; }
.events li { padding: .4rem 0 .4rem .8rem; border-left: 3px solid var(--line); font-size: .93rem; }
.events li.critical { border-color: var(--bad); } .events li.warning { border-color: var(--part); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; }
dt { color: var(--soft); }
footer { padding-top: .5rem; font-size: .875rem; }
footer nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; }
.stale #connection { color: var(--bad); font-weight: 650; }
.stale main { opacity: .6; }
@media (prefers-reduced-motion: no-preference) { main { transition: opacity .3s; } }

@media (max-width: 46rem) {
  body { padding: .4rem .6rem 2rem; }
  section { padding: .75rem .8rem .85rem; border-radius: 8px; margin-bottom: .75rem; }
  #wrong h2 { font-size: 1.2rem; }
  .cards { margin-top: .55rem; gap: .5rem; }
  .card { padding: .5rem .65rem .6rem; }
  .card .what { font-size: .97rem; }
  thead { position: absolute; left: -100vw; }
  table, tbody, tr, th, td { display: block; }
  tr { border-top: 1px solid var(--line); padding: .55rem 0; }
  th, td { border: 0; padding: .08rem 0; }
  td[data-n] { display: grid; grid-template-columns: 6.2rem 1fr; column-gap: .6rem; }
  td[data-n]::before { content: attr(data-n); color: var(--soft); font-size: .85rem; grid-row: 1 / span 9; }
  td[data-n] > * { grid-column: 2; min-width: 0; }
  th, td { max-width: none; overflow-wrap: anywhere; }
  .matrix td.heat + td:not(.heat) { padding-left: 0; }
  .matrix td.heat { padding: .08rem .4rem; border: 0; margin: 0 -.4rem; border-radius: 4px; }
}
@media print { body { background: none; } section { break-inside: avoid; box-shadow: none; } footer { display: none; } }
)css";

constexpr std::string_view kIcon =
    R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="#0b5394"/><path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="3.5"/></svg>)";

}  // namespace

std::string_view icon() {
  return kIcon;
}

std::string_view style_sheet() {
  return kStyle;
}

std::string style_sheet_url() {
  static const auto url = fmt::format("/status.css?{:016x}", stable_hash(kStyle));
  return url;
}

}  // namespace qw::status
