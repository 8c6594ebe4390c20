//===- Roofline.cpp - Calls under the ceilings of the machine -------------===//

#include "compiler/driver/bench/Roofline.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace ladon;

namespace {

/// Whole decades on a line of so many pixels.
struct Axis {
  int first, last; ///< Powers of ten.
  double origin, length;

  Axis(double least, double most, double origin, double length)
      : first(int(std::floor(std::log10(least)))),
        last(std::max(int(std::ceil(std::log10(most))), first + 1)),
        origin(origin), length(length) {}

  double at(double value) const {
    return origin + (std::log10(value) - first) / (last - first) * length;
  }
};

} // namespace

static llvm::format_object<double> place(double value) {
  return llvm::format("%.2f", value);
}

static void drawText(llvm::raw_ostream &os, double x, double y,
                     const char *anchor, const std::string &text) {
  os << "<text x=\"" << place(x) << "\" y=\"" << place(y) << "\" text-anchor=\""
     << anchor << "\">" << text << "</text>\n";
}

/// "1000", "0.1".
static std::string powerOfTen(int exponent) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%g", std::pow(10, exponent));
  return text;
}

std::string ladon::drawRoofline(const Roofline &roofline) {
  constexpr double left = 70, top = 50, width = 560, height = 380;
  std::vector<RooflinePoint> points;
  for (const RooflinePoint &point : roofline.points)
    if (point.flops > 0 && point.bytes > 0 && point.seconds > 0)
      points.push_back(point);
  bool isKnown = roofline.fmaPeak > 0 && roofline.readBandwidth > 0;
  double ridge = isKnown ? roofline.fmaPeak / roofline.readBandwidth : 1;
  double leastX = ridge / 30, mostX = ridge * 30;
  double highest = roofline.fmaPeak > 0 ? roofline.fmaPeak : 1;
  double leastY = highest / 30, mostY = highest * 1.2;
  for (const RooflinePoint &point : points) {
    leastX = std::min(leastX, point.flops / point.bytes / 2);
    mostX = std::max(mostX, point.flops / point.bytes * 2);
    leastY = std::min(leastY, point.flops / point.seconds * 1e-9 / 2);
    mostY = std::max(mostY, point.flops / point.seconds * 1e-9 * 1.2);
  }
  Axis x(leastX, mostX, left, width), y(leastY, mostY, top + height, -height);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"680\" "
        "height=\"490\" font-family=\"sans-serif\" font-size=\"13\">\n"
        "<style>.grid{stroke:#dde2e9}.roof{stroke:#2b6cb0;stroke-width:2;"
        "fill:none}.point{fill:#f0a04b;stroke:#8a4b08}</style>\n"
        "<rect width=\"680\" height=\"490\" fill=\"#fff\"/>\n";
  drawText(os, left, 26, "start", roofline.title);
  auto line = [&](double x1, double y1, double x2, double y2) {
    os << "<line x1=\"" << place(x1) << "\" y1=\"" << place(y1) << "\" x2=\""
       << place(x2) << "\" y2=\"" << place(y2) << "\" class=\"grid\"/>\n";
  };
  for (int power = x.first; power <= x.last; ++power) {
    double at = x.at(std::pow(10, power));
    line(at, top, at, top + height);
    drawText(os, at, top + height + 20, "middle", powerOfTen(power));
  }
  for (int power = y.first; power <= y.last; ++power) {
    double at = y.at(std::pow(10, power));
    line(left, at, left + width, at);
    drawText(os, left - 8, at + 4, "end", powerOfTen(power));
  }
  drawText(os, left + width / 2, top + height + 40, "middle",
           "operations per byte");
  drawText(os, left, top - 8, "start", "GFLOP/s");

  // Bandwidth up to the ridge, then the peak; cut off at the frame.
  double begin = std::pow(10, x.first), end = std::pow(10, x.last);
  auto roof = [&](double intensity) {
    return std::min(roofline.fmaPeak, intensity * roofline.readBandwidth);
  };
  if (isKnown) {
    begin = std::max(begin, std::pow(10, y.first) / roofline.readBandwidth);
    os << "<polyline class=\"roof\" points=\"";
    for (double intensity : {begin, std::clamp(ridge, begin, end), end})
      os << place(x.at(intensity)) << "," << place(y.at(roof(intensity)))
         << " ";
    os << "\"/>\n";
  }
  for (const RooflinePoint &point : points) {
    double intensity = point.flops / point.bytes;
    double gflops = point.flops / point.seconds * 1e-9;
    double px = x.at(intensity), py = y.at(gflops);
    os << "<circle cx=\"" << place(px) << "\" cy=\"" << place(py)
       << "\" r=\"5\" class=\"point\"/>\n";
    std::string label;
    llvm::raw_string_ostream(label)
        << point.name << llvm::format(": %.4g GFLOP/s", gflops);
    if (isKnown)
      llvm::raw_string_ostream(label)
          << llvm::format(", %.2f of the roof", gflops / roof(intensity));
    bool isRight = px > left + width / 2;
    drawText(os, isRight ? px - 10 : px + 10, py + 18,
             isRight ? "end" : "start", label);
  }
  os << "</svg>\n";
  return text;
}
