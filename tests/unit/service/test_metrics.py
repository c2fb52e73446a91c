"""Requests are counted in plain numbers and read as any other metric."""

from __future__ import annotations

from service.metrics import Metrics


def test_requests_are_counted_by_route_method_status_and_duration() -> None:
    metrics = Metrics()
    for status, seconds in ((200, 0.001), (200, 0.003), (404, 99.0)):
        metrics.count_request("/v1/x", "GET", status, seconds)
    metrics.count_request("/v1/y", "POST", 202, 0.02)

    lines = metrics.render().decode().splitlines()

    assert 'uscc_http_requests_total{method="GET",route="/v1/x",status="200"} 2.0' in lines
    assert 'uscc_http_requests_total{method="GET",route="/v1/x",status="404"} 1.0' in lines
    assert 'uscc_http_request_seconds_bucket{le="0.001",route="/v1/x"} 1.0' in lines
    assert 'uscc_http_request_seconds_bucket{le="0.005",route="/v1/x"} 2.0' in lines
    assert 'uscc_http_request_seconds_bucket{le="+Inf",route="/v1/x"} 3.0' in lines
    assert 'uscc_http_request_seconds_count{route="/v1/y"} 1.0' in lines
    assert 'uscc_http_request_seconds_sum{route="/v1/x"} 99.004' in lines
