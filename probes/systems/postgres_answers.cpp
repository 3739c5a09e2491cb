#include "probes/systems/postgres_answers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

constexpr int kMostRows = 1000;

std::string hide(std::string_view words, const Secret& secret) {
  std::string out(words);
  if (secret.empty()) return out;
  for (auto at = out.find(secret.reveal()); at != std::string::npos; at = out.find(secret.reveal(), at + 3)) {
    out.replace(at, secret.reveal().size(), "***");
  }
  return out;
}

/// "FATAL:  28P01: password ..." as libpq writes it when it is to be verbose: where the SQLSTATE begins.
std::size_t find_state(std::string_view said) {
  constexpr std::size_t kStateLength = 5;
  for (auto at = said.find(":  "); at != std::string_view::npos; at = said.find(":  ", at + 1)) {
    const auto state = said.substr(at + 3, kStateLength);
    const bool is_state = state.size() == kStateLength && std::ranges::all_of(state, [](char c) {
                            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                          });
    if (is_state && said.substr(at + 3 + kStateLength).starts_with(": ")) return at + 3;
  }
  return std::string_view::npos;
}

Error in_words_of_server(std::string_view state, std::string_view message, const Secret& secret) {
  return {ErrorKind::rejected,
          fmt::format("{} (SQLSTATE {})", sanitize(hide(message, secret)), sanitize(state, 5))};
}

}  // namespace

std::string_view postgres_field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

Error postgres_error(std::string_view said, const Secret& secret) {
  if (const auto at = find_state(said); at != std::string_view::npos) {
    const auto message = said.substr(at + 7);
    return in_words_of_server(said.substr(at, 5), message.substr(0, message.find('\n')), secret);
  }
  // "connection to server at "10.0.0.1", port 5432 failed: Connection refused" and a hint below it.
  constexpr std::string_view kFailed = " failed: ";
  const auto begin = said.find(kFailed);
  std::string_view words = begin == std::string_view::npos ? said : said.substr(begin + kFailed.size());
  words = trim(words.substr(0, words.find('\n')));
  const auto has = [&words](std::string_view part) { return words.contains(part); };
  if (has("Connection refused")) return {ErrorKind::refused, "connection refused"};
  if (has("closed the connection") || has("closed unexpectedly") || has("EOF detected") ||
      has("reset by peer") || has("Broken pipe")) {
    return {ErrorKind::refused, std::string(net::kClosedByPeer)};
  }
  if (has("No route") || has("unreachable")) return {ErrorKind::unreachable, sanitize(words)};
  const bool refuses = has("SSL") || has("certificate") || has("password") || has("authentication method");
  return {refuses ? ErrorKind::rejected : ErrorKind::protocol, sanitize(hide(words, secret))};
}

Result<PostgresTable> read_postgres_table(const PGresult* result) {
  const int rows = PQntuples(result);
  if (rows > kMostRows) return fail(ErrorKind::too_large, fmt::format("more than {} rows", kMostRows));
  PostgresTable table(static_cast<std::size_t>(rows));
  for (int y = 0; y < rows; ++y) {
    auto& row = table[static_cast<std::size_t>(y)];
    for (int x = 0; x < PQnfields(result); ++x) {
      row.emplace_back();
      if (PQgetisnull(result, y, x) == 0) {
        row.back().emplace(PQgetvalue(result, y, x), static_cast<std::size_t>(PQgetlength(result, y, x)));
      }
    }
  }
  return table;
}

Result<void> PostgresCollector::take(const PGresult* result, bool lost) {
  switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
      if (points_++ == 0) into_.pinged = steady_;
      if (into_.answers.size() + 1 != points_) return fail(ErrorKind::protocol, "an answer is missing");
      return {};
    case PGRES_TUPLES_OK:
      add(read_postgres_table(result));
      break;
    case PGRES_FATAL_ERROR:
      if (lost || postgres_field(result, PG_DIAG_SEVERITY_NONLOCALIZED) == "FATAL") return ended(result);
      add(std::unexpected(in_words_of_server(postgres_field(result, PG_DIAG_SQLSTATE),
                                             postgres_field(result, PG_DIAG_MESSAGE_PRIMARY), secret_)));
      break;
    default:
      return fail(ErrorKind::protocol, "neither rows nor an error");
  }
  if (points_ == 0) return fail(ErrorKind::protocol, "an answer before the question");
  return {};
}

Result<void> PostgresCollector::ended(const PGresult* result) const {
  const auto message = postgres_field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) return std::unexpected(postgres_error(PQresultErrorMessage(result), secret_));
  return fail(ErrorKind::refused, sanitize(hide(message, secret_)));
}

}  // namespace qw::probes
