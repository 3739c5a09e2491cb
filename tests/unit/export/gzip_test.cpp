#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "daemon/export/page.hpp"

namespace qw::exporting {
namespace {

std::string unzipped(std::string_view packed, std::size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  constexpr int kGzipOnly = 15 + 16;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return "no inflater";
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return result == Z_STREAM_END ? out : "broken";
}

TEST(Gzip, IsReadBackAsItWasAgainAndAgain) {
  std::mt19937 random(1);
  std::string noise(100'000, '\0');
  for (auto& c : noise) c = static_cast<char>(random());
  for (const auto& page :
       {std::string(), std::string("a"), std::string(1'000'000, 'x'), noise, std::string("after")}) {
    EXPECT_EQ(unzipped(gzip(page), page.size()), page) << page.size();
  }
}

TEST(Gzip, MakesAPageSmaller) {
  EXPECT_LT(gzip(std::string(1'000'000, 'x')).size(), 10'000U);
}

}  // namespace
}  // namespace qw::exporting
