"""REST doors of requests: read strictly, call one service, answer states and dates; never who asked."""
