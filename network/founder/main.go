// Founds a network: reads a specification on standard input, has avalanchego's tmpnet create the
// validators, their chain and its first blocks, stops all of them, and writes what it made to
// standard output. Everything else is done by the Python package.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/ava-labs/avalanchego/ids"
	"github.com/ava-labs/avalanchego/tests/fixture/tmpnet"
	"github.com/ava-labs/avalanchego/utils/crypto/secp256k1"
	"github.com/ava-labs/avalanchego/utils/logging"
)

const (
	// Of no public network.
	networkID = 78194
	// The file name of the plugin: the VM id of Subnet-EVM.
	vmID = "srEXiWaHuhNyGwPUi444Tu47ZEDwxTWrbQiuD7FmgSAQ6X7Dy"
	// Five nodes on two busy cores.
	foundWithin = 5 * time.Minute
)

type specification struct {
	Root         string              `json:"root"`
	Node         string              `json:"node"`
	Plugins      string              `json:"plugins"`
	Validators   []map[string]string `json:"validators"` // the flags of each one's node
	Flags        map[string]string   `json:"flags"`      // of all nodes
	Genesis      json.RawMessage     `json:"genesis"`
	ChainConfig  json.RawMessage     `json:"chain_config"`
	SubnetConfig map[string]any      `json:"subnet_config"`
}

type founded struct {
	NetworkID uint32   `json:"network_id"`
	SubnetID  string   `json:"subnet_id"`
	ChainID   string   `json:"blockchain_id"`
	NodeIDs   []string `json:"node_ids"`
	Folders   []string `json:"folders"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked specification
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return fmt.Errorf("specification: %w", err)
	}
	core := logging.NewWrappedCore(logging.Info, os.Stderr, logging.Plain.ConsoleEncoder())
	log := logging.NewLogger("", core)
	ctx, cancel := context.WithTimeout(context.Background(), foundWithin)
	defer cancel()

	network, err := describe(asked)
	if err != nil {
		return err
	}
	nodes := network.Nodes // in the order of the validators; stopping reads them anew, sorted
	err = tmpnet.BootstrapNewNetwork(ctx, log, network, asked.Root)
	if stopErr := stop(network); err == nil {
		err = stopErr
	}
	if err != nil {
		return err
	}

	subnet := network.Subnets[0]
	made := founded{
		NetworkID: networkID,
		SubnetID:  subnet.SubnetID.String(),
		ChainID:   subnet.Chains[0].ChainID.String(),
	}
	for _, node := range nodes {
		made.NodeIDs = append(made.NodeIDs, node.NodeID.String())
		made.Folders = append(made.Folders, node.DataDir)
	}
	return json.NewEncoder(os.Stdout).Encode(made)
}

func describe(asked specification) (*tmpnet.Network, error) {
	nodes := tmpnet.NewNodesOrPanic(len(asked.Validators))
	validators := make([]ids.NodeID, len(nodes))
	for at, node := range nodes {
		validators[at] = node.NodeID
		node.Flags.SetDefaults(asked.Validators[at])
	}
	// Fresh: tmpnet's own genesis also funds keys that everybody knows.
	owner, err := secp256k1.NewPrivateKey()
	if err != nil {
		return nil, err
	}
	genesis, err := tmpnet.NewTestGenesis(networkID, nodes, []*secp256k1.PrivateKey{owner})
	if err != nil {
		return nil, err
	}
	evm, err := ids.FromString(vmID)
	if err != nil {
		return nil, err
	}
	return &tmpnet.Network{
		Genesis:             genesis,
		Nodes:               nodes,
		DefaultFlags:        asked.Flags,
		PrimarySubnetConfig: asked.SubnetConfig,
		DefaultRuntimeConfig: tmpnet.NodeRuntimeConfig{
			Process: &tmpnet.ProcessRuntimeConfig{AvalancheGoPath: asked.Node, PluginDir: asked.Plugins},
		},
		Subnets: []*tmpnet.Subnet{{
			Name:         "amanat",
			Config:       asked.SubnetConfig,
			OwningKey:    owner,
			ValidatorIDs: validators,
			Chains: []*tmpnet.Chain{{
				VMID:    evm,
				Config:  string(asked.ChainConfig),
				Genesis: asked.Genesis,
			}},
		}},
	}, nil
}

// Stops whatever was started, also after a failure.
func stop(network *tmpnet.Network) error {
	if network.Dir == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return network.Stop(ctx)
}
