#include "daemon/export/runbooks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "daemon/base/text.hpp"
#include "daemon/status/html.hpp"
#include "daemon/status/page.hpp"

namespace qw::exporting {
namespace {

constexpr std::string_view kFolder = "/runbooks";

net::ServerReply page(unsigned status, std::string_view title, std::string_view body) {
  net::ServerReply reply;
  reply.status = status;
  reply.content_type = "text/html; charset=utf-8";
  reply.headers.emplace_back("Content-Security-Policy", std::string(status::kPolicy));
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.body = std::make_shared<const std::string>(fmt::format(
      R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,"><link rel="stylesheet" href="{1}"></head>
<body><header><p class="name"><a href="/">quorumwatch</a></p><p><a href="/runbooks/">all runbooks</a></p></header>
<main id="main"><section class="runbook">
{2}</section></main></body></html>
)",
      status::escaped(title), status::escaped(status::style_sheet_url()), body));
  return reply;
}

net::ServerReply index() {
  std::string body = "<h1>Runbooks</h1>\n<ul>\n";
  for (const auto& source : runbook_sources()) {
    const auto name = status::escaped(source.name);
    body += fmt::format("<li><a href=\"/runbooks/{0}\">{0}</a></li>\n", name);
  }
  return page(200, "Runbooks", body + "</ul>\n");
}

net::ServerReply not_found(std::string_view wanted) {
  std::vector<std::string_view> names;
  for (const auto& source : runbook_sources()) names.push_back(source.name);
  const auto near = nearest(wanted, names);
  auto body = fmt::format("<h1>There is no runbook of this name</h1>\n<p>{}</p>\n", status::escaped(wanted));
  if (near)
    body += fmt::format("<p>Did you mean <a href=\"/runbooks/{0}\">{0}</a>?</p>\n", status::escaped(*near));
  return page(404, "No such runbook", body);
}

}  // namespace

std::optional<net::ServerReply> runbook_reply(const net::ServerRequest& request) {
  std::string_view path = request.path;
  if (path == kFolder) {
    // Relative links need the last slash.
    net::ServerReply reply;
    reply.status = 308;
    reply.headers.emplace_back("Location", "/runbooks/");
    reply.body = std::make_shared<const std::string>();
    return reply;
  }
  if (!path.starts_with(kFolder) || !path.substr(kFolder.size()).starts_with('/')) return std::nullopt;
  path.remove_prefix(kFolder.size() + 1);
  if (path.empty() || path == "README.md") return index();
  if (path.ends_with(".md")) path.remove_suffix(3);
  const auto sources = runbook_sources();
  const auto found = std::ranges::find(sources, path, &RunbookSource::name);
  if (found == sources.end()) return not_found(path);
  return page(200, found->name, found->html);
}

}  // namespace qw::exporting
