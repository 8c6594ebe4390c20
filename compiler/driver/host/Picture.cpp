//===- Picture.cpp - Heat maps as SVG -------------------------------------===//

#include "compiler/driver/host/Picture.h"

#include "compiler/support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace ladon;
using llvm::StringRef;

/// More would take a browser long to show, and nobody could tell them apart.
static constexpr int64_t mostCells = 1 << 20;

llvm::Expected<std::vector<std::string>> ladon::readLabels(StringRef path) {
  auto file = InputFile::open(path);
  if (!file)
    return file.takeError();
  constexpr uint64_t mostBytes = 1 << 24;
  auto bytes = file->peek(mostBytes);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() == mostBytes)
    return llvm::createStringError(path + ": the file is too large for labels");
  std::vector<std::string> labels;
  StringRef rest = *bytes;
  while (!rest.empty()) {
    auto [line, after] = rest.split('\n');
    labels.push_back(line.rtrim('\r').str());
    rest = after;
  }
  return labels;
}

namespace {

/// What an SVG viewer must not read as markup; characters that XML does not
/// have are left out.
std::string escaped(StringRef text) {
  std::string result;
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20)
      result += ' ';
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

/// Places in pixels. A map has its title and the words of its columns above
/// it, and the words of its rows to the left.
class Drawing {
public:
  Drawing(const HostTensor &tensor, StringRef name, const PictureLabels &labels)
      : tensor(tensor), name(name), labels(labels),
        leading(llvm::ArrayRef(tensor.shape).drop_back(2)),
        rows(tensor.shape.end()[-2]), columns(tensor.shape.back()) {
    cell =
        std::clamp<int64_t>(480 / std::max<int64_t>({rows, columns, 1}), 1, 24);
    // Words need the height of their letters.
    if (!labels.rows.empty() || !labels.columns.empty())
      cell = std::max<int64_t>(cell, letter + 2);
    left = widest(labels.rows) + gap;
    top = widest(labels.columns) + gap + titleHeight;
  }

  std::string draw() {
    int64_t perRow = leading.empty() ? 1 : std::max<int64_t>(leading.back(), 1);
    int64_t maps = elementCount(leading);
    int64_t width = left + columns * cell + gap,
            height = top + rows * cell + gap;
    os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width * perRow
       << "\" height=\"" << height * ((maps + perRow - 1) / perRow)
       << "\" font-family=\"sans-serif\" font-size=\"" << letter << "\">\n"
       << "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
    int64_t number = 0;
    forEachPosition(leading, [&](llvm::ArrayRef<int64_t> position) {
      os << "<g transform=\"translate(" << number % perRow * width + left << ","
         << number / perRow * height + top << ")\">\n";
      drawMap(position);
      os << "</g>\n";
      ++number;
    });
    os << "</svg>\n";
    return text;
  }

private:
  static constexpr int64_t letter = 10, gap = 12, titleHeight = 16;

  static int64_t widest(const std::vector<std::string> &words) {
    size_t most = 0;
    for (const std::string &word : words)
      most = std::max(most, word.size());
    return int64_t(std::min<size_t>(most, 40)) * letter * 6 / 10;
  }

  std::string titleOf(llvm::ArrayRef<int64_t> position) {
    std::string title = name.str();
    if (position.empty())
      return title;
    title += '[';
    for (int64_t index : position)
      title += std::to_string(index) + ", ";
    return title + "..]";
  }

  void drawMap(llvm::ArrayRef<int64_t> position) {
    llvm::SmallVector<int64_t, 4> at(position);
    at.append(2, 0);
    auto value = [&](int64_t row, int64_t column) {
      at.end()[-2] = row;
      at.back() = column;
      return tensor.getFloat(at);
    };
    double low = 0, high = 0;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        if (double x = value(row, column); std::isfinite(x)) {
          low = std::min(low, x);
          high = std::max(high, x);
        }
    os << "<text x=\"0\" y=\"" << gap / 2 - top + titleHeight / 2 << "\">"
       << escaped(titleOf(position)) << llvm::format(", up to %.3g", high)
       << "</text>\n<rect width=\"" << columns * cell << "\" height=\""
       << rows * cell << "\" fill=\"none\" stroke=\"#ccc\"/>\n";
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        drawCell(row, column, value(row, column), low, high);
    drawWords();
  }

  /// White cells, most of them under a mask, are the paper.
  void drawCell(int64_t row, int64_t column, double x, double low,
                double high) {
    int shade = 0xdd, blue = 0xdd;
    if (std::isfinite(x)) {
      double share = high > low ? (x - low) / (high - low) : 0;
      shade = int(std::lround(255 * (1 - share)));
      blue = int(std::lround(255 * (1 - 0.5 * share)));
    }
    if (shade == 255)
      return;
    os << "<rect x=\"" << column * cell << "\" y=\"" << row * cell
       << "\" width=\"" << cell << "\" height=\"" << cell
       << llvm::format("\" fill=\"#%02x%02x%02x\"/>\n", shade, shade, blue);
  }

  void drawWords() {
    for (auto [row, word] : llvm::enumerate(labels.rows))
      os << "<text x=\"-4\" y=\"" << int64_t(row) * cell + cell / 2 + letter / 3
         << "\" text-anchor=\"end\">" << escaped(word) << "</text>\n";
    for (auto [column, word] : llvm::enumerate(labels.columns)) {
      int64_t x = int64_t(column) * cell + cell / 2 + letter / 3;
      os << "<text x=\"" << x << "\" y=\"-4\" transform=\"rotate(-90 " << x
         << " -4)\">" << escaped(word) << "</text>\n";
    }
  }

  const HostTensor &tensor;
  StringRef name;
  const PictureLabels &labels;
  llvm::ArrayRef<int64_t> leading;
  int64_t rows, columns, cell, left, top;
  std::string text;
  llvm::raw_string_ostream os{text};
};

} // namespace

llvm::Expected<std::string> ladon::drawHeatMaps(const HostTensor &tensor,
                                                StringRef name,
                                                const PictureLabels &labels) {
  if (tensor.shape.size() < 2)
    return llvm::createStringError(
        "--picture %s: expected a result of at least 2 axes, found %zu",
        name.str().c_str(), tensor.shape.size());
  if (tensor.size() > mostCells)
    return llvm::createStringError(
        "--picture %s: the result has %lld elements, at most %lld are drawn",
        name.str().c_str(), static_cast<long long>(tensor.size()),
        static_cast<long long>(mostCells));
  auto check = [&](const std::vector<std::string> &words, int64_t count,
                   const char *what) -> llvm::Error {
    if (words.empty() || int64_t(words.size()) == count)
      return llvm::Error::success();
    return llvm::createStringError(
        "--labels: expected %lld for the %s of %s, found %zu",
        static_cast<long long>(count), what, name.str().c_str(), words.size());
  };
  if (llvm::Error error = check(labels.rows, tensor.shape.end()[-2], "rows"))
    return std::move(error);
  if (llvm::Error error = check(labels.columns, tensor.shape.back(), "columns"))
    return std::move(error);
  return Drawing(tensor, name, labels).draw();
}
