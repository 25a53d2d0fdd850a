//go:build tools

package clique

import _ "github.com/ethereum/go-ethereum/cmd/geth"
